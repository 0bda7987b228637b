"""All that is stored about one account, as an archive for its owner, as privacy laws ask.

A ZIP file with a JSON file for each kind of row that belongs to the account or to one of its
devices, and the recorded wake words. Which kinds there are is read from the models, so that one
that is added later is not forgotten. Left out is what lets somebody in (digests of passwords and
tokens, what is encrypted), and what is about other people.
"""

import zipfile
from typing import BinaryIO

import orjson
from django.apps import apps
from django.db import models

from accounts.models import Account, OutgoingMail
from devices import samples
from devices.models import Device
from market import secret_values
from market.models import DeviceSkill
from operations import progress

APPS = ("accounts", "sso", "devices", "market", "social_django")
HIDDEN = ("password", "digest", "encrypted", "secret_settings", "extra_data")
README = """All that this server stores about the account {account}.

Each JSON file holds the rows of one kind. Left out are passwords, tokens and other secrets: nobody
needs them from here, and they would let in whoever finds this file. wake-words/ has the recordings.
"""


def write(account: Account, file: BinaryIO, tell: progress.Tell = progress.silently) -> int:
    """Write the archive to ``file``; return how many rows it has."""
    kinds = _kinds(account)
    count = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(account=account.email))
        for number, (name, rows) in enumerate(kinds.items()):
            tell(name, number / len(kinds))
            count += _write_rows(archive, f"{name}.json", rows)
        for sample in account.wake_word_samples.order_by("submitted_at").iterator():
            path = samples.path(sample.digest)
            if path.exists():
                archive.write(path, f"wake-words/{path.name}")
    return count


def _kinds(account: Account) -> dict[str, models.QuerySet]:
    """Return the rows that belong to ``account``, by the kind's name."""
    kinds: dict[str, models.QuerySet] = {"account": Account.objects.filter(pk=account.pk)}
    for model in apps.get_models():
        if model._meta.app_label not in APPS or model is Account:
            continue
        if belongs := _belonging(model, account):
            kinds[model._meta.model_name or ""] = model._default_manager.filter(belongs)
    kinds["outgoingmail"] = OutgoingMail.objects.filter(recipient__iexact=account.email)
    return kinds


def _belonging(model: type[models.Model], account: Account) -> models.Q | None:
    """Return which rows of ``model`` belong to ``account``, by the foreign keys it has."""
    fields = [field for field in model._meta.fields if isinstance(field, models.ForeignKey)]
    for field in fields:
        if field.related_model is Account:
            return models.Q(**{field.name: account})
    for field in fields:
        if field.related_model is Device:
            return models.Q(**{f"{field.name}__account": account})
    return None


def _write_rows(archive: zipfile.ZipFile, name: str, rows: models.QuerySet) -> int:
    count = 0
    with archive.open(name, "w", force_zip64=True) as member:
        for row in rows.order_by("pk").iterator(chunk_size=1_000):
            text = orjson.dumps(_shown(row), default=_plain, option=orjson.OPT_INDENT_2)
            member.write((b",\n" if count else b"[\n") + text)
            count += 1
        member.write(b"\n]\n" if count else b"[]\n")
    return count


def _shown(row: models.Model) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in row._meta.concrete_fields:
        if not any(part in field.name for part in HIDDEN):
            values[field.attname] = field.value_from_object(row)
    if isinstance(row, DeviceSkill):
        values["skill"] = row.skill.skill_gid
        values["password_settings"] = sorted(secret_values.decrypt(row.secret_settings))
    return values


def _plain(value: object) -> str:
    return str(value)
