"""The JSON that requests carry, refused where a database or a recursion could choke on it."""

from collections.abc import Mapping
from math import isfinite
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 32


class BodyTooLarge(APIException):
    """The body is over the limit; its length was not announced, or wrongly."""

    status_code = 413
    default_detail = "request body too large"


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it, less what no client of ours sends.

    Lone surrogates and NaN are not JSON to orjson; NUL characters, infinite numbers and more than
    ``MAX_DEPTH`` levels are refused here, because PostgreSQL stores none of the first two.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(raw) > settings.MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ParseError("request body is not valid JSON") from error
        refuse_unstorable(data)
        return data


def refuse_unstorable(data: object) -> None:
    """Raise ParseError if ``data`` holds a NUL, an infinite number or more than MAX_DEPTH levels.

    Level by level, not by recursion: the depth is what is being checked.
    """
    level, depth = [data], 0
    while level:
        below: list[object] = []
        for value in level:
            if isinstance(value, str):
                if "\x00" in value:
                    raise ParseError("NUL characters are not allowed")
            elif isinstance(value, float):
                if not isfinite(value):
                    raise ParseError("numbers must be finite")
            elif isinstance(value, dict | list):
                if depth == MAX_DEPTH:
                    raise ParseError(f"JSON is nested deeper than {MAX_DEPTH} levels")
                below.extend(value)
                below.extend(value.values() if isinstance(value, dict) else ())
        level, depth = below, depth + 1
