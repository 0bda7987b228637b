"""OpenWeatherMap, API 2.5: https://openweathermap.org/api"""

from django.conf import settings

from devices.upstream.proxied import Params, Reply, Service


def ask(path: str, params: Params) -> Reply:
    """Return what OpenWeatherMap says of ``params`` at ``path``, its keys in camelCase.

    Raises:
        Unavailable: it failed, refused our key, or said what is no JSON.
        Busy: too many requests wait for services already.
    """
    service = Service("OpenWeatherMap", "APPID", "OWM_KEY", settings.OWM_KEY)
    answer = service.ask(f"{_base(path)}/{path}", params)
    return service.json_reply(answer, service.read_json(answer))


def _base(path: str) -> str:
    # One Call left API 2.5 in June 2024; its successor answers the same, at another base.
    is_one_call = path.partition("/")[0] == "onecall"
    return (is_one_call and settings.OWM_ONECALL_URL) or settings.OWM_URL
