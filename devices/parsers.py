"""The bodies that devices send and that are no JSON."""

import io
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

# The first line of a multipart body; RFC 2046, section 5.1.1
DELIMITER = re.compile(rb"--([0-9A-Za-z'()+_,./:=?-]{1,70})\r\n")


class BodyTooLarge(APIException):
    """The body is over the limit; its length was not announced, or wrongly."""

    status_code = 413
    default_detail = "request body too large"


class XFlacParser(BaseParser):
    """The bytes of a FLAC file, by the name that released devices use."""

    media_type = "audio/x-flac"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        request: HttpRequest = (parser_context or {})["request"]
        limit = settings.LONGER_BODIES.get(request.path_info, settings.MAX_BODY_BYTES)
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise BodyTooLarge
        return content


class FlacParser(XFlacParser):
    """The bytes of a FLAC file, by the registered name."""

    media_type = "audio/flac"


class MislabelledMultiPartParser(MultiPartParser):
    """Multipart that says it is JSON, as ovos-backend-client sends it.

    It puts that header on all its requests, so the boundary is in the body alone.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        content = stream.read(settings.MAX_BODY_BYTES)
        delimiter = DELIMITER.match(content)
        if delimiter is None:
            raise ParseError("request body is not multipart form data")
        labelled = f'multipart/form-data; boundary="{delimiter[1].decode()}"'
        return super().parse(io.BytesIO(content), labelled, parser_context)
