"""Wolfram Alpha: https://products.wolframalpha.com/api

The Full Results API (v2/query), Spoken Results (v1/spoken) and Simple (v1/simple).
"""

import re

import orjson
from django.conf import settings

from accounts.upstream import http
from devices.upstream.proxied import Params, Reply, Service

NO_ANSWER = 501
_XML = re.compile(rb"\s*<\?xml\b|\s*<queryresult\b")
_XML_ERROR = re.compile(rb"<queryresult\b[^>]*\berror\s*=\s*[\"']true")
_IMAGE = re.compile(r"image/(?!svg)[a-z0-9.+-]+")


def ask_xml(params: Params) -> Reply:
    """Return the full results as XML.

    Raises, as all here do:
        Unavailable: it failed, refused our key, or said what is not of the kind asked for.
        Busy: too many requests wait for services already.
    """
    service = _service()
    answer = service.ask(_url("/v2/query"), _without(params, "output"))
    if not (_XML.match(answer.content) and _is_utf8(answer.content)):
        raise http.Unavailable(service.name)
    is_lasting = not _XML_ERROR.search(answer.content)
    return service.reply(answer, answer.content, "text/xml; charset=utf-8", is_lasting=is_lasting)


def ask_full(params: Params) -> Reply:
    """Return the full results as JSON, its keys in camelCase."""
    service = _service()
    sent = [*_without(params, "output"), ("output", "json")]
    answer = service.ask(_url("/v2/query"), sent)
    body = service.read_json(answer)
    result = body.get("queryresult") if isinstance(body, dict) else None
    is_error = isinstance(result, dict) and bool(result.get("error"))
    return service.json_reply(answer, body, is_lasting=not is_error)


def ask_spoken(params: Params) -> Reply:
    """Return a sentence to say, or 501 if there is none."""
    service = _service(NO_ANSWER)
    answer = service.ask(_url("/v1/spoken"), params)
    # A sentence, whatever its type says: a page is what someone in between would answer.
    if answer.content.lstrip().startswith(b"<") or not _is_utf8(answer.content):
        raise http.Unavailable(service.name)
    return service.reply(answer, answer.content, "text/plain; charset=utf-8")


def ask_simple(params: Params) -> Reply:
    """Return an image of the results, or 501 if there are none."""
    service = _service(NO_ANSWER)
    answer = service.ask(_url("/v1/simple"), params)
    if answer.status != 200:
        body = {"error": f"{service.name} has no answer"}
        return service.reply(answer, orjson.dumps(body), "application/json")
    content_type = answer.content_type.partition(";")[0].strip().lower()
    if not _IMAGE.fullmatch(content_type):
        raise http.Unavailable(service.name)
    return service.reply(answer, answer.content, content_type)


def _service(*no_answer: int) -> Service:
    key = settings.WOLFRAM_ALPHA_KEY
    return Service("Wolfram Alpha", "appid", "WOLFRAM_ALPHA_KEY", key, no_answer)


def _url(path: str) -> str:
    return f"{settings.WOLFRAM_ALPHA_URL}{path}"


def _without(params: Params, name: str) -> Params:
    return [param for param in params if param[0].strip().lower() != name]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
