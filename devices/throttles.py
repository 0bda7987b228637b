"""How often one device may do something."""

from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.throttles import ScopedThrottle


class DeviceThrottle(ScopedThrottle):
    """Counts by device, not by account: a school may have a thousand of them on one."""

    cache_format = "throttle_device_%(scope)s_%(ident)s"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.auth.pk}
