"""How often something may be asked for, beyond what REST framework has for that.

Its own throttles read a list of times, and write it back with one more: two round trips to Redis,
between which whatever comes at once is not counted. Here that is one step.
"""

import hashlib
import threading
from typing import cast

from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from accounts import version_cache
from accounts.version_cache import Script, Unreachable

# KEYS: when it was asked for, oldest first. ARGV: how often, in how many seconds, now.
# Returns the oldest if it was asked for that often already, else notes this time, too.
_COUNT = Script(
    """
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= ARGV[3] - ARGV[2] do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return oldest end
redis.call('RPUSH', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return false
"""
)
_in_process = threading.Lock()


class RateThrottle(SimpleRateThrottle):
    """REST framework's, in one step; while Redis is away nothing is limited."""

    num_requests: int
    duration: int  # seconds

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not version_cache.is_configured():
            with _in_process:  # a household's server is one process
                return bool(super().allow_request(request, view))
        self.key = self.get_cache_key(request, view)
        if self.key is None:
            return True
        self.now = self.timer()
        try:
            oldest = version_cache.run(
                _COUNT, [self.key], self.num_requests, self.duration, repr(self.now)
            )
        except Unreachable:
            return True
        # What ``wait`` reckons with
        self.history = [] if oldest is None else [float(oldest)] * self.num_requests
        return oldest is None


class ScopedThrottle(ScopedRateThrottle, RateThrottle):
    """Counts by account, or by client where none is signed in, in the view's ``throttle_scope``."""


class AboutOneThrottle(ScopedThrottle):
    """Counts requests about one account or address, from wherever they come.

    The view's ``throttle_field`` names the field of the request that says about which.
    """

    def get_cache_key(self, request: Request, view: APIView) -> str:
        data = request.data if isinstance(request.data, dict) else {}
        about = str(data.get(view.throttle_field, "")).strip().lower()  # type: ignore[attr-defined]
        # A digest, since addresses are nobody's business in a cache.
        ident = hashlib.sha256(about.encode()).hexdigest()
        key = self.cache_format % {"scope": f"{self.scope}-about", "ident": ident}
        return cast(str, key)
