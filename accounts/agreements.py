"""What accounts agree to: the texts, who accepted them, the texts that ship."""

from contextlib import suppress
from datetime import date
from pathlib import Path
from uuid import UUID

import markdown
import nh3
from django.db import IntegrityError, transaction
from django.db.models import UUIDField
from django.utils import timezone

from accounts.models import Acceptance, Account, Agreement, AgreementType
from accounts.prepared import Given, PreparedQuery

SHIPPED = {
    AgreementType.TERMS_OF_USE: "terms-of-use.md",
    AgreementType.PRIVACY_POLICY: "privacy-policy.md",
    AgreementType.OPEN_DATASET: "open-dataset.md",
}

_OPEN_DATASET: PreparedQuery[tuple[UUID]] = PreparedQuery(
    lambda: (
        Acceptance.objects.filter(account=Given("account", UUIDField()))
        .filter(agreement__type=AgreementType.OPEN_DATASET)
        .values_list("pk")
    )
)
_NEWEST_FIRST: PreparedQuery[Acceptance] = PreparedQuery(
    lambda: (
        Acceptance.objects.filter(account=Given("account", UUIDField()))
        .select_related("agreement")
        .defer("agreement__content")  # pages long
        .order_by("agreement__type", "-agreement__effective_on")
    )
)


class NotInForce(Exception):
    """No version of the agreement has taken effect yet."""


class VersionTaken(Exception):
    """Another text of the agreement has this version."""


class DayTaken(Exception):
    """Another version of the agreement takes effect on this day."""


class DayPassed(Exception):
    """The day is over: what was in force on it cannot become another text."""


def in_force(type_: AgreementType) -> Agreement:
    """Return the version of ``type_`` that is in force today.

    Raises:
        NotInForce: there is none.
    """
    agreement = Agreement.objects.filter(type=type_).in_force().first()
    if agreement is None:
        raise NotInForce
    return agreement


def as_html(agreement: Agreement) -> str:
    """Return the text of ``agreement`` as HTML that is safe to show."""
    return nh3.clean(markdown.markdown(agreement.content))


def accept(account: Account, agreement: Agreement) -> bool:
    """Note that ``account`` accepts ``agreement``, once; return whether that is new."""
    _, is_new = Acceptance.objects.get_or_create(
        account=account, agreement=agreement, defaults={"accepted_on": timezone.now().date()}
    )
    return is_new


def accepted(account: Account) -> list[Acceptance]:
    """Return what ``account`` accepted, by type; of each the newest version."""
    newest: dict[str, Acceptance] = {}
    for acceptance in _NEWEST_FIRST(account=account.pk):
        newest.setdefault(acceptance.agreement.type, acceptance)
    return list(newest.values())


def has_open_dataset(account: Account) -> bool:
    """Tell whether ``account`` lets its recordings be used; any version's yes counts."""
    return bool(_OPEN_DATASET(account=account.pk))


def publish(
    type_: AgreementType, version: str, content: str, *, effective_on: date | None = None
) -> Agreement:
    """Publish Markdown as a version, which ends the one before on ``effective_on`` (today).

    Who accepted another version has accepted that one, and no other.

    Raises:
        VersionTaken, DayTaken, DayPassed: nothing changed.
    """
    today = timezone.now().date()
    day = effective_on or today
    if day < today:
        raise DayPassed
    try:
        with transaction.atomic():
            return Agreement.objects.create(
                type=type_, version=version, effective_on=day, content=content
            )
    except IntegrityError as error:
        is_version = Agreement.objects.filter(type=type_, version=version).exists()
        raise (VersionTaken if is_version else DayTaken) from error


def load_shipped(directory: Path) -> int:
    """Publish the texts in ``directory``, from today; return how many.

    Only of types that have no version yet: what an operator published stays.
    """
    loaded = 0
    for type_, name in SHIPPED.items():
        if not Agreement.objects.filter(type=type_).exists():
            # Another process may start at this moment.
            with suppress(VersionTaken, DayTaken):
                publish(type_, "1", (directory / name).read_text(encoding="utf-8"))
                loaded += 1
    return loaded
