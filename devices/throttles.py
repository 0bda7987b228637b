"""How often one device may do something."""

from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView


class DeviceThrottle(ScopedRateThrottle):
    """Counts by device, not by account: a school may have a thousand of them on one."""

    cache_format = "throttle_device_%(scope)s_%(ident)s"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.auth.pk}
