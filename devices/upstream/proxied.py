"""What a device is told of a service that it asks through this server, and never our key."""

import logging
import re
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from accounts.upstream import http
from devices.upstream import camel_case

logger = logging.getLogger(__name__)

Params = list[tuple[str, str]]
KEY_NAME = "appid"  # in any case
HIDDEN = b"***"


@dataclass(frozen=True)
class Reply:
    """What a device is answered."""

    status: int
    content: bytes
    content_type: str
    # Whether the next who asks the same may be told the same.
    is_lasting: bool


@dataclass(frozen=True)
class Service:
    """A service that takes our key in its query."""

    name: str
    key_name: str
    key_setting: str
    key: str
    no_answer: tuple[int, ...] = ()  # statuses beyond 2xx and 4xx that say something to a device

    def ask(self, url: str, params: Params) -> http.Answer:
        """Return the service's answer, a success or the refusal of what the device asked.

        Raises:
            Unavailable: it failed, or refused us instead: a device that is told 401 pairs anew.
            Busy: too many wait for services already.
        """
        sent = [*without_key(params), (self.key_name, self.key)]
        answer = http.call(self.name, "GET", url, params=sent)
        if answer.status in (401, 403, 407):
            logger.warning("%s refuses %s: HTTP %d", self.name, self.key_setting, answer.status)
            raise http.Unavailable(self.name)
        is_refusal = 400 <= answer.status < 500 or answer.status in self.no_answer
        if answer.status != 200 and not is_refusal:
            raise http.Unavailable(self.name)
        return answer

    def reply(
        self, answer: http.Answer, content: bytes, content_type: str, *, is_lasting: bool = True
    ) -> Reply:
        """Return what the device is told of ``answer``: ``content``, without our key."""
        is_lasting = is_lasting and answer.status == 200
        return Reply(answer.status, self._hide_key(content), content_type, is_lasting)

    def read_json(self, answer: http.Answer) -> dict | list:
        """Return the answer's JSON with its keys in camelCase.

        Raises:
            Unavailable: it is none.
        """
        try:
            body = camel_case.turn_keys(orjson.loads(answer.content))
        except (orjson.JSONDecodeError, camel_case.TooDeep) as error:
            raise http.Unavailable(self.name) from error
        if not isinstance(body, (dict, list)):
            raise http.Unavailable(self.name)
        return body

    def json_reply(
        self, answer: http.Answer, body: dict | list, *, is_lasting: bool = True
    ) -> Reply:
        """Return ``body`` as what the device is told of ``answer``."""
        content = orjson.dumps(body)
        return self.reply(answer, content, "application/json", is_lasting=is_lasting)

    def _hide_key(self, content: bytes) -> bytes:
        forms = {self.key, quote(self.key, safe="")}
        key = b"|".join(re.escape(form.encode()) for form in forms)
        # As a word of its own, or after a percent-encoded character.
        pattern = rb"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))(?:" + key + rb")(?![A-Za-z0-9])"
        return re.sub(pattern, HIDDEN, content)


def without_key(params: Params) -> Params:
    """Return ``params`` but those that would take the place of our key."""
    return [(name, value) for name, value in params if name.strip().lower() != KEY_NAME]
