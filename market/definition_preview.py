"""A settings definition as a form to look at, whatever its author wrote."""

from collections.abc import Iterator
from dataclasses import dataclass

from market import definition_fields
from market.definition_fields import Definition, Field

INPUTS = {"email", "number", "password", "checkbox"}


@dataclass(frozen=True)
class ShownField:
    """A field as the template wants it."""

    name: str
    label: str
    type: str
    value: object
    options: list[tuple[str, str]]
    placeholder: str = ""
    hint: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class ShownSection:
    name: str
    fields: list[ShownField]


def sections(definition: Definition) -> Iterator[ShownSection]:
    """Yield the sections of ``definition``; what makes no sense is shown as it is written."""
    for section in definition_fields.sections(definition):
        fields = [_field(field) for field in section.get("fields") or []]
        yield ShownSection(str(section.get("name") or ""), fields)


def _field(field: Field) -> ShownField:
    kind = str(field.get("type") or "")
    value = field.get("value", "")
    return ShownField(
        name=str(field.get("name") or ""),
        label=str(field.get("label") or field.get("name") or ""),
        type=kind if kind in INPUTS else "text",
        value=value if isinstance(value, bool) else str(value),
        options=_options(field) if kind == "select" else [],
        placeholder=str(field.get("placeholder") or ""),
        hint=str(field.get("hint") or ""),
        is_text=kind == "label",
    )


def _options(field: Field) -> list[tuple[str, str]]:
    options = definition_fields.options(field.get("options"))
    if not isinstance(options, list):
        return [(str(options), str(options))]
    return [_option(each) for each in options]


def _option(option: object) -> tuple[str, str]:
    if isinstance(option, dict):
        return str(option.get("value")), str(option.get("display"))
    return str(option), str(option)
