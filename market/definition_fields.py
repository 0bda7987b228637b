"""What stands in a settings definition (settingsMeta): its fields, their defaults, its display.

A definition is a dict of ``display_name`` and whatever else of ``KEPT`` the device sent, most of
all ``skillMetadata: {"sections": [{"name", "fields": [{"name", "type", "value", ...}]}]}``. Fields
without a name (labels) only show text.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from market import json_numbers

# JSON whose shape the serializers have checked as far as it is read here
Definition = dict[str, Any]
Field = dict[str, Any]
Values = dict[str, object]

KEPT = ("display_name", "icon", "icon_img", "name", "color", "identifier", "skillMetadata")
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
INTEGER = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def normalise(sent: Definition) -> Definition:
    """Return what is kept of ``sent``, its values no longer all strings, as authors write them."""
    kept = {key: sent[key] for key in KEPT if sent.get(key) is not None}
    return _map_fields(kept, _normalise_field)


def normalise_value(kind: object, value: object) -> object:
    """Return ``value`` of a field of type ``kind`` as a boolean, number or list if it writes one.

    Whatever makes no sense for the type stays as it is: it is the author's.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text == "[]":
        return []
    if kind == "checkbox":
        return BOOLEANS.get(text.lower(), value)
    if kind == "number" and len(text) < 400 and NUMBER.fullmatch(text):
        written = json_numbers.number(text) if INTEGER.fullmatch(text) else float(text)
        return value if written in (float("inf"), float("-inf")) else written
    return value


def fields(definition: Definition) -> Iterator[Field]:
    """Yield the fields that hold a setting."""
    for section in sections(definition):
        yield from (field for field in section.get("fields") or [] if field.get("name"))


def sections(definition: Definition) -> list[dict[str, Any]]:
    """Return the sections, none where the skill has no settings."""
    metadata = definition.get("skillMetadata") or {}
    return metadata.get("sections") or []


def names(definition: Definition) -> set[str]:
    """Return the names of the settings."""
    return {field["name"] for field in fields(definition)}


def values(definition: Definition) -> Values:
    """Return the values that stand in the definition: as a rule, the author's defaults."""
    return {field["name"]: field["value"] for field in fields(definition) if "value" in field}


def password_names(definition: Definition) -> set[str]:
    """Return the names of the settings that nobody but the owner and the device may read."""
    return {field["name"] for field in fields(definition) if field.get("type") == "password"}


def without_passwords(definition: Definition) -> Definition:
    """Return ``definition`` with no value in its fields of type password."""
    return _map_fields(
        definition,
        lambda field: field | {"value": ""} if _is_filled_password(field) else field,
    )


def without_values(definition: Definition) -> Definition:
    """Return ``definition`` with no value in any field that holds a setting."""
    return _map_fields(
        definition,
        lambda field: {key: field[key] for key in field if key != "value" or not field.get("name")},
    )


def canonical(data: object) -> bytes:
    """Return ``data`` as the same bytes whenever it is the same JSON (1, 1.0 and true differ)."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def digest(definition: Definition) -> str:
    """Return what names ``definition`` among those of its skill."""
    return hashlib.sha256(canonical(definition)).hexdigest()


def display(definition: Definition) -> Definition:
    """Return what the owner is shown: the sections, the options of a select taken apart."""
    shown = {"skillMetadata": {"sections": sections(definition)}}
    return _map_fields(shown, _with_options)["skillMetadata"]


def options(written: object) -> object:
    """Return ``[{"display", "value"}]`` of "Label|value;Label|value".

    Anything else is passed on as it is: the author's mistake must not hide all other settings.
    """
    if not isinstance(written, str):
        return written
    pairs = [option.split("|") for option in written.rstrip("; ").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        return written
    return [{"display": label, "value": value} for label, value in pairs]


def _normalise_field(field: Field) -> Field:
    if "value" not in field:
        return field
    return field | {"value": normalise_value(field.get("type"), field["value"])}


def _is_filled_password(field: Field) -> bool:
    return field.get("type") == "password" and field.get("value", "") != ""


def _with_options(field: Field) -> Field:
    if field.get("type") != "select" or "options" not in field:
        return field
    return field | {"options": options(field["options"])}


def _map_fields(definition: Definition, change: Callable[[Field], Field]) -> Definition:
    if "skillMetadata" not in definition:
        return definition
    changed = [
        section | {"fields": [change(field) for field in section["fields"]]}
        if section.get("fields")
        else section
        for section in sections(definition)
    ]
    return definition | {"skillMetadata": definition["skillMetadata"] | {"sections": changed}}
