"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selene_project.settings")

STATUSES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
CHARSETS = {"utf-8", "utf8", "iso-8859-1", "latin-1", "us-ascii", "ascii"}

_django = get_wsgi_application()

from devices import fast_path  # noqa: E402  # now that there are apps
from operations import statistics  # noqa: E402

_is_fast = fast_path.is_on()


def application(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
    """Answer what Redis can, and have Django answer the rest, with a Content-Type that it can take.

    Django reads that before any of our code, and fails if it is odd.
    """
    if _is_fast:
        begun = perf_counter()
        if answer := fast_path.ask(environ):
            seconds = perf_counter() - begun
            statistics.note_early(environ["PATH_INFO"], answer.status, seconds)
            start_response(STATUSES[answer.status], list(answer.headers.items()))
            return (answer.body,)
    if ";" in environ.get("CONTENT_TYPE", ""):
        environ["CONTENT_TYPE"] = plain_content_type(environ["CONTENT_TYPE"])
    return _django(environ, start_response)


def plain_content_type(value: str) -> str:
    """Return ``value``, without its parameters if they are none or name an odd charset.

    Python has codecs that are none of characters, such as base64, which Django would decode with.
    """
    try:
        _, parameters = parse_header_parameters(value)
    except Exception:  # it has many ways to fail
        return value.partition(";")[0]
    if parameters.get("charset", "utf-8").lower() not in CHARSETS:
        return value.partition(";")[0]
    return value
