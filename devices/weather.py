"""The weather, as OpenWeatherMap has it.

1. A path that is on the list, or nothing: so no path leads out of the service's API.
2. What was said to the same question a short while ago.
3. The service, as often as the device's daily quota allows.
"""

import contextlib
import math
from datetime import timedelta

from django.conf import settings

from accounts.exceptions import NotConfigured
from devices import quotas, replies
from devices.models import Device
from devices.upstream import open_weather_map
from devices.upstream.proxied import Params, Reply, without_key

CURRENT = timedelta(minutes=10)  # as often as the service itself has news
FORECAST = timedelta(hours=1)
LIFETIMES = {
    # What released skills ask
    "weather": CURRENT,
    "onecall": CURRENT,  # current weather and forecasts in one
    "forecast": FORECAST,
    "forecast/daily": FORECAST,
    # The others of API 2.5
    "forecast/hourly": FORECAST,
    "find": CURRENT,
    "group": CURRENT,
    "uvi": CURRENT,
    "uvi/forecast": FORECAST,
    "air_pollution": CURRENT,
    "air_pollution/forecast": FORECAST,
    "air_pollution/history": FORECAST,
    "onecall/timemachine": FORECAST,
}
PLACES = 2  # decimals of degrees that make a place: within a kilometre the weather is the same


class UnknownPath(Exception):
    """A path that is not passed on."""


def report(device: Device, path: str, params: Params) -> Reply:
    """Return what OpenWeatherMap says, now or a short while ago.

    Raises:
        UnknownPath: nothing was asked.
        NotConfigured: the server has no key.
        Spent: the device has asked as often as it may today.
        Unavailable, Busy: the service failed, or too many wait already.
    """
    if path not in LIFETIMES:
        raise UnknownPath
    if not settings.OWM_KEY:
        raise NotConfigured("OWM_KEY")
    name = replies.question("owm", path, _normalise(without_key(params)))
    reply = replies.recall(name)
    if reply is None:
        quotas.spend(device, "owm", settings.OWM_QUOTA)
        reply = open_weather_map.ask(path, params)
        replies.remember(name, reply, LIFETIMES[path])
    return reply


def _normalise(params: Params) -> Params:
    """Return what a question is about, however it is spelt."""
    return [(name, _normal(name, value)) for name, value in params]


def _normal(name: str, value: str) -> str:
    if name in ("lat", "lon"):
        with contextlib.suppress(ValueError):
            if math.isfinite(degrees := float(value)):
                return f"{degrees:.{PLACES}f}"
    if name == "q":
        return " ".join(value.casefold().split())
    return value
