"""The ways mail leaves this server; ``EMAIL_BACKEND`` names one of these.

Each raises ``http.Unavailable``, with no more of what the service said than a code, or ``Busy``.
"""

import hashlib
import logging
import os
import re
import smtplib
import socket
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin

from anymail.backends import sendgrid
from anymail.exceptions import AnymailError, AnymailNotSupportedWarning
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from accounts.upstream import http

logger = logging.getLogger(__name__)


class SendGrid(sendgrid.EmailBackend):
    """SendGrid's Web API v3: https://www.twilio.com/docs/sendgrid/api-reference/mail-send.

    Anymail writes the request; it is sent as all our calls are, with a limit on time and size.
    """

    def __init__(self, **options: object) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnymailNotSupportedWarning)
            key, url = settings.SENDGRID_API_KEY, settings.SENDGRID_API_URL
            super().__init__(api_key=key, api_url=url, **options)

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        try:
            return super().send_messages(messages)
        except AnymailError as error:
            raise http.Unavailable(f"SendGrid ({type(error).__name__})") from error

    def post_to_esp(self, payload: sendgrid.SendGridPayload, message: EmailMessage) -> http.Answer:
        request = payload.get_request_params(self.api_url)
        answer = http.call(
            "SendGrid",
            "POST",
            urljoin(self.api_url, request["url"]),
            data=request["data"].encode(),
            headers=request["headers"],
        )
        if answer.status not in range(200, 300):
            raise http.Unavailable(f"SendGrid ({answer.status})")
        return answer


class Smtp(smtp.EmailBackend):
    """An SMTP server, which has ``2 * EMAIL_TIMEOUT`` seconds for a mail, however slow it is."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _TimedTlsClient if self.use_ssl else _TimedClient

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        try:
            with http.slot():
                return super().send_messages(messages)
        except TimeoutError as error:
            raise http.Unavailable("mail server", timed_out=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise http.Unavailable(f"mail server ({_about(error)})") from error

    def close(self) -> None:
        # It has taken the mail by now: how it says goodbye must not look like a failure.
        with suppress(smtplib.SMTPException, OSError):
            super().close()


class _TimeLimit(smtplib.SMTP):
    """Hangs up once its time is over: the limit on a single read is never met by one that drips."""

    _deadline: float

    def connect(self, *args: object, **options: object) -> tuple[int, bytes]:
        self._deadline = time.monotonic() + 2 * settings.EMAIL_TIMEOUT
        return super().connect(*args, **options)  # type: ignore[arg-type]

    def getreply(self) -> tuple[int, bytes]:
        left = max(0.0, self._deadline - time.monotonic())
        timer = threading.Timer(left, _hang_up, [self.sock])
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()


class _TimedClient(_TimeLimit):
    pass


class _TimedTlsClient(_TimeLimit, smtplib.SMTP_SSL):
    pass


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _about(error: Exception) -> str:
    """Return what went wrong and the server's code, but not its words: they can name people."""
    code = getattr(error, "smtp_code", "")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
    return f"{type(error).__name__} {code}".strip()


class Files(BaseEmailBackend):
    """A file for each mail, and its link in the log: for a household without a mail server."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            try:
                path = _write(message)
            except OSError as error:
                raise http.Unavailable(f"mail folder ({type(error).__name__})") from error
            logger.info("a mail is in %s%s", path, _links(str(message.body)))
        return len(messages)


def folder() -> Path:
    """Return where ``Files`` puts the mails."""
    return settings.DATA_DIR / "mail"


def _write(message: EmailMessage) -> Path:
    """Write a file that is there as a whole or not at all; a second try writes the same one."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    text = message.message()
    mark = hashlib.sha256(str(text["Message-ID"]).encode()).hexdigest()[:16]
    written = next(folder().glob(f"*-{mark}.eml"), None)
    path = written or folder() / f"{timezone.now():%Y-%m-%dT%H-%M-%S}-{mark}.eml"
    draft = folder() / f"{mark}.part"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.as_bytes())
    return draft.replace(path)


def _links(text: str) -> str:
    """Return the links in ``text`` to this installation's pages, worded for the log."""
    places = {re.escape(f"{url}/") for url in (settings.SSO_BASE_URL, settings.ACCOUNT_BASE_URL)}
    links = re.findall(rf"(?:{'|'.join(sorted(places))})[^\s<>\"]+", text)
    return f"; its link: {' '.join(dict.fromkeys(links))}" if links else ""
