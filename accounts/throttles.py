"""Limits by what a request is about, beside those by who sends it."""

import hashlib
from typing import cast

from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView


class AboutOneThrottle(ScopedRateThrottle):
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
