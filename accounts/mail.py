"""Mail: written in the transaction of what it is about, sent after that.

1. ``send`` renders a mail and writes it as a row, in the caller's transaction: it is gone if that
   is rolled back, and is not lost if the mail server, or this one, is away just now.
2. After the commit one try is made at once; the job ``send_mail`` makes the others, ever further
   apart, for about a day. Then the row stays, for an operator to see and to send again.
3. Whoever tries moves the time of the next try first, in one statement that of several processes
   one succeeds with. So a mail goes out twice only if a process dies between sending and noting it.
4. What was sent loses its text at once, since it holds links that let people in.
"""

import logging
import re
from datetime import timedelta
from email.utils import parseaddr
from functools import partial
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, QuerySet
from django.template import Context
from django.template.loader import get_template
from django.utils import timezone

from accounts import encryption
from accounts.models import OutgoingMail
from accounts.upstream import http, mail_services

ATTEMPTS = 18  # with these pauses, about a day
LONGEST_PAUSE = timedelta(hours=2)
FAILURES_IN_A_ROW = 5  # then the mail server is away, and no more need wait for its time limit
KEPT = timedelta(days=30)
SUBJECT_LENGTH = 200
# Nothing that a header could take for another address, or for its own end
PLAIN_ADDRESS = re.compile(r"[^\s\x00-\x1f,;:<>()\"@]+@[^\s\x00-\x1f,;:<>()\"@]+")

logger = logging.getLogger(__name__)


def send(template: str, to: str, /, **context: object) -> None:
    """Send the mail ``mail/<template>`` to the address ``to``, once the transaction is committed.

    Its three parts are templates of an app: ``.subject.txt``, ``.txt`` and ``.html``. Besides
    ``context`` they get ``installation_name``, ``sso_base_url`` and ``account_base_url``; what
    comes from people or devices is escaped in the last part only. An address that is not a single,
    plain one gets no mail, and what the mail is about goes on.
    """
    if not PLAIN_ADDRESS.fullmatch(to):
        logger.warning("no mail %s: not one plain address", template)
        return
    values = context | {
        "installation_name": settings.INSTALLATION_NAME,
        "sso_base_url": settings.SSO_BASE_URL,
        "account_base_url": settings.ACCOUNT_BASE_URL,
    }
    mail = OutgoingMail.objects.create(
        template=template,
        recipient=to,
        subject=_on_one_line(_render(f"{template}.subject.txt", values))[:SUBJECT_LENGTH],
        text=encryption.encrypt(_render(f"{template}.txt", values).strip() + "\n"),
        html=encryption.encrypt(_render(f"{template}.html", values)),
    )
    transaction.on_commit(partial(_deliver, mail.pk), robust=True)


def deliver_due(limit: int = 500) -> tuple[int, int]:
    """Send what is due, ``limit`` mails at most; return how many went out and how many did not."""
    due = OutgoingMail.objects.due().order_by("next_attempt_at").values_list("pk", flat=True)
    sent = failed = in_a_row = 0
    for pk in list(due[:limit]):
        was_sent = _deliver(pk)
        sent, failed = sent + (was_sent is True), failed + (was_sent is False)
        in_a_row = in_a_row + 1 if was_sent is False else 0
        if in_a_row == FAILURES_IN_A_ROW:
            break
    return sent, failed


def send_again(mails: QuerySet[OutgoingMail]) -> int:
    """Make ``mails`` due now, given up or not; return how many had not been sent."""
    return mails.filter(sent_at=None).update(attempts=0, next_attempt_at=timezone.now())


def forget(address: str) -> None:
    """Delete all mail to ``address``: its account is gone."""
    OutgoingMail.objects.filter(recipient=address).delete()


def purge() -> int:
    """Delete mails older than ``KEPT``, rows and a household's files; return how many."""
    limit = timezone.now() - KEPT
    files = [
        path
        for path in mail_services.folder().glob("*.*")  # drafts of who was killed, too
        if path.stat().st_mtime < limit.timestamp()
    ]
    for path in files:
        path.unlink(missing_ok=True)
    return OutgoingMail.objects.filter(created_at__lt=limit).delete()[0]


def _render(name: str, values: dict[str, object]) -> str:
    """Return ``mail/<name>`` with ``values``, escaped where the reader is a browser."""
    # get_template() would escape in plain text, too.
    engine_template = get_template(f"mail/{name}").template  # type: ignore[attr-defined]
    text: str = engine_template.render(Context(values, autoescape=name.endswith(".html")))
    return text


def _on_one_line(text: str) -> str:
    """Return ``text`` as a header can hold it: a line break would begin another header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _deliver(pk: UUID) -> bool | None:
    """Try to send a mail and note what came of it; None if it is not to be tried now."""
    mail = _claim(pk)
    if mail is None:
        return None
    try:
        _message(mail).send()
    except http.Busy:
        _hand_back(mail)
        return None
    except (http.Unavailable, InvalidToken, ValueError) as error:
        _note_failure(mail, str(error) or type(error).__name__)
        return False
    OutgoingMail.objects.filter(pk=pk).update(
        sent_at=timezone.now(), next_attempt_at=None, last_error="", text="", html=""
    )
    return True


def _claim(pk: UUID) -> OutgoingMail | None:
    """Return the mail ``pk`` if it is due, with its next try moved; None if another was quicker."""
    mail = OutgoingMail.objects.due().filter(pk=pk).first()
    if mail is None:
        return None
    # Moved by more than an attempt can take: while one process sends, it is not due for others.
    pause = min(timedelta(minutes=2 * 2 ** min(mail.attempts, 10)), LONGEST_PAUSE)
    is_ours = OutgoingMail.objects.filter(pk=pk, next_attempt_at=mail.next_attempt_at).update(
        attempts=F("attempts") + 1, next_attempt_at=timezone.now() + pause
    )
    mail.attempts += 1
    return mail if is_ours else None


def _hand_back(mail: OutgoingMail) -> None:
    """Leave ``mail`` to the job: it was not tried."""
    OutgoingMail.objects.filter(pk=mail.pk).update(
        attempts=F("attempts") - 1, next_attempt_at=timezone.now()
    )


def _note_failure(mail: OutgoingMail, reason: str) -> None:
    changes: dict[str, object] = {"last_error": reason[:200]}
    if mail.attempts >= ATTEMPTS:
        changes["next_attempt_at"] = None
        logger.error("mail %s is given up: %s", mail.pk, reason)
    OutgoingMail.objects.filter(pk=mail.pk).update(**changes)


def _message(mail: OutgoingMail) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    message = EmailMultiAlternatives(
        mail.subject,
        encryption.decrypt(mail.text),
        to=[mail.recipient],
        # The same in each try: should one arrive twice, it can be told.
        headers={"Message-ID": f"<{mail.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(encryption.decrypt(mail.html), "text/html")
    # Anymail's: no links through SendGrid's servers, which would know who resets a password.
    message.track_clicks = message.track_opens = False  # type: ignore[attr-defined]
    return message
