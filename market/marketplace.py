"""What the marketplace shows of the catalogue: the list, what a search finds, one skill whole.

People who look around cause a call per key they press, so each process keeps what it read of the
catalogue, and found in it, under the revision that the database has: the one query of each call.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import markdown
import nh3
import orjson
from django.utils.html import escape

from market import catalogue
from market.models import CatalogueEntry

# What is sent; the keys are those of the wire
Summary = dict[str, Any]
Detail = dict[str, Any]

PLAIN_ICON = {"icon": "puzzle-piece", "color": "#22a7f0"}
NO_CATEGORY = "Undefined"
MAKER = "Mycroft AI"
SEARCHED = ("title", "description", "short_desc", "categories", "tags", "examples")
PLATFORMS = {
    "worksOnMarkOne": "platform_mark1",
    "worksOnMarkTwo": "platform_mark2",
    "worksOnPicroft": "platform_picroft",
    "worksOnKDE": "platform_plasmoid",
}
WEB = ("http://", "https://")
# Beyond what any skill has; each bracket that may begin a link or a tag is looked for its other.
LONGEST_MARKDOWN, MOST_BRACKETS = 10_000, 500


@dataclass(frozen=True)
class Listed:
    """A skill in the list: how it is shown, what finds it, which it is."""

    summary: Summary
    text: str
    family_name: str
    skill_id: UUID


@dataclass(frozen=True)
class Found:
    """What a search finds, as it is sent."""

    content: bytes  # JSON
    tag: str


def search(term: str) -> Found:
    """Return the skills with ``term`` in any of their texts, in any case; all if it is empty.

    ``undefined`` is what Selene UI's page sends before anything was typed. Some clients encode the
    term twice: what it is then meant to be is looked for, too.
    """
    wanted = {meant for each in (term, unquote(term)) if (meant := each.strip().casefold())}
    if wanted == {"undefined"}:
        wanted = set()
    return _found(*catalogue.shown(), frozenset(wanted))


def listing() -> tuple[Listed, ...]:
    """Return the skills of the catalogue that is shown, by display name."""
    return _read(*catalogue.shown())


def detail(market_id: UUID) -> Detail:
    """Return all that the marketplace tells of one skill, of whatever core version.

    Raises:
        CatalogueEntry.DoesNotExist: there is none of this id.
    """
    return _detail(CatalogueEntry.objects.select_related("skill").get(pk=market_id))


def skill_name(entry: CatalogueEntry) -> str:
    """Return what devices call the skill of ``entry``."""
    return _text(entry.display_data, "name") or entry.skill.family_name


@lru_cache(maxsize=64)
def _found(core_version: str, revision: UUID | None, wanted: frozenset[str]) -> Found:
    summaries = [
        each.summary
        for each in _read(core_version, revision)
        if not wanted or any(text in each.text for text in wanted)
    ]
    content = orjson.dumps({"skills": summaries})
    return Found(content, hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=4)
def _read(core_version: str, revision: UUID | None) -> tuple[Listed, ...]:
    """Return the list at ``revision``, or at one that came after it was read: never before."""
    entries = CatalogueEntry.objects.filter(core_version=core_version).select_related("skill")
    listed = [_listed(entry) for entry in entries.order_by("skill__skill_gid")]
    return tuple(sorted(listed, key=lambda each: each.summary["displayName"].casefold()))


def _listed(entry: CatalogueEntry) -> Listed:
    data = entry.display_data
    texts = [text for key in SEARCHED for text in _texts(data, key)]
    summary = {
        "id": str(entry.pk),
        "displayName": _display_name(entry),
        "summary": _text(data, "short_desc"),
        **_icons(data),
        "trigger": next(iter(_texts(data, "examples")), None),
        "marketCategory": next(iter(_texts(data, "categories")), NO_CATEGORY),
        "isSystemSkill": _is_system(data),
        "isMycroftMade": any(credit["name"] == MAKER for credit in _credits(data)),
    }
    return Listed(summary, "\n".join(texts).casefold(), entry.skill.family_name, entry.skill_id)


def _detail(entry: CatalogueEntry) -> Detail:
    data = entry.display_data
    platforms = set(_texts(data, "platforms"))
    return {
        "id": str(entry.pk),
        "displayName": _display_name(entry),
        "summary": _as_html(_text(data, "short_desc")),
        "description": _as_html(_text(data, "description")),
        "categories": list(_texts(data, "categories")) or [NO_CATEGORY],
        "credits": list(_credits(data)),
        **_icons(data),
        "isSystemSkill": _is_system(data),
        "repositoryUrl": _address(data, "repo"),
        "triggers": list(_texts(data, "examples")),
        **{key: bool(platforms & {"all", name}) for key, name in PLATFORMS.items()},
    }


def _display_name(entry: CatalogueEntry) -> str:
    names = (_text(entry.display_data, key) for key in ("display_name", "title"))
    return next(filter(None, names), skill_name(entry))


def _icons(data: dict[str, Any]) -> dict[str, object]:
    """Return icon and image; Selene UI's pages break on a skill that has neither."""
    icon, image = data.get("icon"), _address(data, "icon_img")
    if not isinstance(icon, dict) or not isinstance(icon.get("icon"), str):
        return {"icon": None if image else PLAIN_ICON, "iconImage": image}
    color = icon.get("color")
    shown = {"icon": icon["icon"], "color": color if isinstance(color, str) else "#22a7f0"}
    return {"icon": shown, "iconImage": image}


def _is_system(data: dict[str, Any]) -> bool:
    return "system" in _texts(data, "tags")


def _credits(data: dict[str, Any]) -> Iterator[dict[str, str]]:
    written = data.get("credits")
    for credit in written if isinstance(written, list) else []:
        if isinstance(credit, dict):
            yield {"name": _text(credit, "name"), "githubId": _text(credit, "github_id")}


def _address(data: dict[str, Any], key: str) -> str | None:
    """Return the address of a page or an image, None where it is none: no ``javascript:``."""
    address = _text(data, key)
    return address if address.lower().startswith(WEB) else None


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: dict[str, Any], key: str) -> Iterator[str]:
    """Yield the texts at ``key``, whether it holds one or a list; whatever else is there is none.

    Authors write these files: one with a mistake in it is shown and found by all the rest.
    """
    value = data.get(key)
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and text:
            yield text


@lru_cache(maxsize=512)
def _as_html(text: str) -> str:
    """Return the Markdown ``text`` as HTML that is safe to show; as it is if it would stall."""
    if len(text) > LONGEST_MARKDOWN or text.count("[") + text.count("<") > MOST_BRACKETS:
        return f"<p>{escape(text)}</p>"
    html = markdown.markdown(text)
    return nh3.clean(html, url_schemes={"http", "https", "mailto"}, link_rel=None)
