"""Made-up accounts and devices in any number, to see how the server does with them.

What is made can be told by its keys, which are numbers behind one prefix: so a second run goes on
where the first, or one that was cut off, ended, and no real row is ever touched. Nobody can sign in
to these accounts, and no device has a token.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TypeVar
from uuid import UUID, uuid4

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.models import (
    Acceptance,
    Account,
    Agreement,
    AgreementType,
    Membership,
    PaymentMethod,
    Subscription,
)
from devices.models import (
    AccountPreferences,
    CoreMetric,
    Device,
    Voice,
    WakeWord,
)
from geography.models import City
from market import settings_definitions
from market.models import DeviceSkill, Skill
from operations import bulk, demo_history, fleet, progress, reference_data

DOMAIN = "demo.example"
ACCOUNT, DEVICE = 1, 2
HIGHEST = 2**48 - 1
PLACES = 3_000  # the largest cities
SKILLED = 50  # one device in so many has skills,
SKILLS = 12  # so many of them,
MEASURED = 10  # and one in so many of these has reported something
NOWHERE = (None, None, 0)
ROOMS = ("Kitchen", "Living room", "Bedroom", "Office", "Hall", "Workshop", "Classroom", "Lobby")
PLATFORMS = {
    "mycroft_mark_1": 22,
    "mycroft_mark_2": 31,
    "picroft": 28,
    "kde": 6,
    "ovos": 12,
    "unknown": 1,
}
CORE_VERSIONS = {"21.2.2": 52, "21.2.1": 20, "20.8.1": 15, "20.2.4": 8, "19.8.5": 4, "unknown": 1}
# Share of the devices, and how long ago they called
LAST_CONTACTS = {(0, 110): 78, (200, 86_000): 6, (90_000, 2_500_000): 8, (2_700_000, 3e7): 6}
DEFINITION = {
    "skillMetadata": {
        "sections": [
            {
                "name": "Options",
                "fields": [
                    {
                        "name": "units",
                        "type": "select",
                        "label": "Units",
                        "options": "Metric|metric;Imperial|imperial",
                        "value": "metric",
                    },
                    {"name": "name", "type": "text", "label": "What to call you", "value": ""},
                    {"name": "chatty", "type": "checkbox", "label": "Say more", "value": "true"},
                ],
            }
        ]
    }
}

T = TypeVar("T", bound=models.Model)
Option = TypeVar("Option")


class RealAccounts(Exception):
    """The database has accounts of people, which made-up ones are not to be mixed with."""


@dataclass(frozen=True)
class Made:
    """What a run added."""

    accounts: int
    devices: int
    skills: int

    def __str__(self) -> str:
        return f"{self.accounts} accounts, {self.devices} devices and {self.skills} skills on them"


def seed(
    accounts: int, devices: int, *, force: bool = False, tell: progress.Tell = progress.silently
) -> Made:
    """Add made-up accounts and devices until there are so many of them.

    Raises:
        RealAccounts: there are accounts that are neither made up nor staff; not with ``force``.
    """
    if not force and _has_real_accounts():
        raise RealAccounts
    if not Voice.objects.exists():
        for shipped in reference_data.SHIPPED:
            shipped.load()
    maker = _Maker(tell)
    made = Made(
        accounts=maker.make_accounts(accounts),
        devices=maker.make_devices(devices),
        skills=maker.make_skills(),
    )
    tell("history", None)
    demo_history.make()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    fleet.count()
    return made


def key(kind: int, number: int) -> UUID:
    """Return the key of the made-up row ``number``."""
    return UUID(f"5e1e0de0-{kind:04x}-4000-8000-{number:012x}")


def made_up(rows: "models.QuerySet[T]", kind: int) -> "models.QuerySet[T]":
    """Return those of ``rows`` that are made up."""
    return rows.filter(pk__gte=key(kind, 0), pk__lte=key(kind, HIGHEST))


def _has_real_accounts() -> bool:
    others = models.Q(pk__lt=key(ACCOUNT, 0)) | models.Q(pk__gt=key(ACCOUNT, HIGHEST))
    return Account.objects.filter(others, is_staff=False).exists()


def _next(rows: models.QuerySet, kind: int) -> int:
    last = made_up(rows, kind).order_by("-pk").values_list("pk", flat=True).first()
    return int(last.hex[-12:], 16) + 1 if last else 0


def _missing(rows: models.QuerySet, kind: int, wanted: int) -> int:
    """Return how many are to be made. Asked after ``_next``: what another run makes meanwhile has
    the numbers that we would take, and is not made twice.
    """
    return max(0, wanted - made_up(rows, kind).count())


def _insert(model: type[models.Model], rows: Iterable[dict[str, object]]) -> int:
    """Insert ``rows``, with the fields' defaults for what they do not name."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    defaults = [field.get_default() if field.has_default() else _nothing(field) for field in fields]
    pairs = list(zip(names, defaults, strict=True))
    return bulk.insert(
        model, names, ([row.get(name, default) for name, default in pairs] for row in rows)
    )


def _nothing(field: models.Field) -> object:
    return None if field.null else ""


class _Maker:
    """Makes rows; what it chooses by is read once."""

    def __init__(self, tell: progress.Tell) -> None:
        self._tell = tell
        self._now = timezone.now()
        self._random = random.Random(42)  # noqa: S311 - no secrets are made of it

    @transaction.atomic  # with all that belongs to them: a second run looks for accounts alone
    def make_accounts(self, wanted: int) -> int:
        """Add accounts, with what belongs to them, up to ``wanted``."""
        first = _next(Account.objects.all(), ACCOUNT)
        missing = _missing(Account.objects.all(), ACCOUNT, wanted)
        numbers = range(first, first + missing)
        _insert(Account, self._counted("accounts", missing, map(self._account, numbers)))
        _insert(AccountPreferences, map(self._preferences, numbers[::2]))
        self._make_agreements(numbers)
        return missing

    def _make_agreements(self, numbers: range) -> None:
        memberships = list(Membership.objects.order_by("rate").values_list("pk", flat=True))
        if memberships:
            paying = ((number, self._choice(memberships)) for number in numbers[::12])
            _insert(Subscription, (self._subscription(*each) for each in paying))
        open_dataset = Agreement.objects.filter(type=AgreementType.OPEN_DATASET).first()
        if open_dataset:
            rows = (self._acceptance(number, open_dataset.pk) for number in numbers[::3])
            _insert(Acceptance, rows)

    def make_devices(self, wanted: int) -> int:
        """Add devices up to ``wanted``, spread over the made-up accounts."""
        first = _next(Device.objects.all(), DEVICE)
        missing = _missing(Device.objects.all(), DEVICE, wanted)
        owners = list(made_up(Account.objects.order_by("pk"), ACCOUNT).values_list("pk", flat=True))
        if not missing or not owners:
            return 0
        rows = self._devices(range(first, first + missing), owners)
        return _insert(Device, self._counted("devices", missing, rows))

    @transaction.atomic  # a second run takes a device with some for one that has all
    def make_skills(self) -> int:
        """Give one device in fifty skills with settings, where it has none."""
        skills = list(Skill.objects.filter(catalogue_entries__isnull=False).distinct()[:100])
        if not skills:
            return 0
        definitions = [settings_definitions.save_once(skill, DEFINITION).pk for skill in skills]
        devices = made_up(Device.objects.filter(skills=None), DEVICE).order_by("pk")
        keys = devices.values_list("pk", flat=True).iterator(chunk_size=bulk.BATCH)
        chosen = [pk for pk in keys if pk.int % SKILLED == 0]
        total = len(chosen) * SKILLS
        rows = self._skills(chosen, list(zip(skills, definitions, strict=True)))
        count = _insert(DeviceSkill, self._counted("skills", total, rows))
        _insert(CoreMetric, map(self._metric, chosen[::MEASURED]))
        return count

    def _counted(
        self, what: str, total: int, rows: Iterable[dict[str, object]]
    ) -> Iterator[dict[str, object]]:
        for number, row in enumerate(rows):
            if number % bulk.BATCH == 0:
                self._tell(what, number / (total or 1))
            yield row

    def _choice(self, options: Sequence[Option]) -> Option:
        return self._random.choice(options)

    def _weighted(self, options: dict[str, int]) -> str:
        return self._random.choices(list(options), list(options.values()))[0]

    def _ago(self, seconds: float) -> datetime:
        return self._now - timedelta(seconds=seconds)

    def _account(self, number: int) -> dict[str, object]:
        return {
            "id": key(ACCOUNT, number),
            "email": f"person{number}@{DOMAIN}",
            "password": f"{UNUSABLE_PASSWORD_PREFIX}{number}",
            "created_at": self._ago(self._random.uniform(0, demo_history.SECONDS)),
            "last_activity_at": self._ago(self._random.expovariate(1 / 200_000)),
        }

    def _preferences(self, number: int) -> dict[str, object]:
        is_metric = number % 3
        return {
            "id": uuid4(),
            "account_id": key(ACCOUNT, number),
            "measurement_system": "Metric" if is_metric else "Imperial",
            "time_format": "24 Hour" if is_metric else "12 Hour",
        }

    def _subscription(self, number: int, membership: UUID) -> dict[str, object]:
        return {
            "id": uuid4(),
            "account_id": key(ACCOUNT, number),
            "membership_id": membership,
            "payment_method": PaymentMethod.STRIPE,
            "payment_account_id": f"cus_demo{number}",
            "payment_id": f"sub_demo{number}",
            "started_at": self._ago(self._random.uniform(0, demo_history.SECONDS)),
        }

    def _acceptance(self, number: int, agreement: UUID) -> dict[str, object]:
        return {
            "id": uuid4(),
            "account_id": key(ACCOUNT, number),
            "agreement_id": agreement,
            "accepted_on": self._now.date(),
        }

    def _devices(self, numbers: range, owners: list[UUID]) -> Iterator[dict[str, object]]:
        voices = list(Voice.objects.values_list("pk", flat=True))
        wake_words = list(WakeWord.objects.values_list("pk", flat=True))
        largest = City.objects.order_by("-population")[:PLACES]
        places = list(largest.values_list("pk", "timezone_id", "population"))
        weights = list(accumulate(max(1, population) for _, _, population in places))
        for number in numbers:
            [place] = self._random.choices(places, cum_weights=weights) if places else [NOWHERE]
            room = self._choice(ROOMS)
            yield {
                "id": key(DEVICE, number),
                "account_id": self._choice(owners),
                "name": f"{room} {number}",
                "placement": room,
                "platform": self._weighted(PLATFORMS),
                "core_version": self._weighted(CORE_VERSIONS),
                "city_id": place[0],
                "timezone_id": place[1],
                "voice_id": self._choice(voices),
                "wake_word_id": self._choice(wake_words),
                "created_at": self._ago(self._random.uniform(0, demo_history.SECONDS)),
                "last_contact_at": self._last_contact(),
            }

    def _last_contact(self) -> datetime | None:
        where = self._random.uniform(0, 100)
        for (shortest, longest), share in LAST_CONTACTS.items():
            where -= share
            if where < 0:
                return self._ago(self._random.uniform(shortest, longest))
        return None  # it never called

    def _skills(
        self, devices: list[UUID], skills: list[tuple[Skill, UUID]]
    ) -> Iterator[dict[str, object]]:
        for device in devices:
            chosen = self._random.sample(skills, min(SKILLS, len(skills)))
            for position, (skill, definition) in enumerate(chosen):
                has_failed = self._random.random() < 0.02
                yield {
                    "id": uuid4(),
                    "device_id": device,
                    "skill_id": skill.pk,
                    "name": skill.family_name,
                    "origin": "default",
                    "installation": "failed" if has_failed else "installed",
                    "failure_message": "pip error" if has_failed else "",
                    "status": "error" if has_failed else "active",
                    "position": position,
                    "installed_seconds": self._now.timestamp() - 1e6,
                    "updated_seconds": self._now.timestamp() - 1e5,
                    "settings_definition_id": definition,
                    "settings": json.dumps({"units": "metric", "name": "", "chatty": "true"}),
                }

    def _metric(self, device: UUID) -> dict[str, object]:
        value = {"system": "stt", "time": self._random.uniform(0.3, 2), "stt": "faster-whisper"}
        return {
            "id": uuid4(),
            "device_id": device,
            "name": "timing",
            "value": json.dumps(value),
            "received_at": self._ago(self._random.uniform(0, 86_400)),
        }
