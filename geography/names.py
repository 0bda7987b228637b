"""How names of places are compared: without case, accents and punctuation."""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

# Letters that Unicode does not take apart into a base letter and a mark
_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŋ": "n", "ə": "a"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)
# Marks people leave out when they write or say a name: "O'Fallon", "St. Louis", "D.C."
_SILENT = str.maketrans("", "", ".'`\"’‘ʻʼ´′“”")
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_ABBREVIATED = {"saint": "st", "sainte": "ste", "mount": "mt", "fort": "ft"}
_WRITTEN_OUT = {short: long for long, short in _ABBREVIATED.items()}


def fold(name: str) -> str:
    """Return ``name`` as it is searched and sorted: ``"São-Paulo"`` is ``"sao paulo"``."""
    name = name.translate(_SILENT)
    if not name.isascii():
        letters = unicodedata.normalize("NFKD", name).casefold().translate(_LETTERS)
        name = "".join(c for c in letters if not unicodedata.category(c).startswith("M"))
    return _BETWEEN_WORDS.sub(" ", name.lower()).strip()


def spellings(phrase: str) -> set[str]:
    """Return folded ``phrase`` with its words abbreviated and written out ("st", "saint")."""
    words = phrase.split()
    return {
        phrase,
        " ".join(_ABBREVIATED.get(word, word) for word in words),
        " ".join(_WRITTEN_OUT.get(word, word) for word in words),
    }


class OtherNames(NamedTuple):
    """For a folded name that GeoNames does not use, the folded one that it does."""

    cities: dict[str, str]
    regions: dict[str, str]
    countries: dict[str, str]
    codes: dict[str, str]


@cache
def other_names() -> OtherNames:
    """Read ``otherNames.txt``, whose format its first lines tell."""
    path: Path = settings.FIXTURES_DIR / "geonames" / "otherNames.txt"
    names: dict[str, dict[str, str]] = {"city": {}, "region": {}, "country": {}, "code": {}}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, usual, others = line.split("\t")
            names[kind] |= {fold(other): fold(usual) for other in others.split(",")}
    return OtherNames(names["city"], names["region"], names["country"], names["code"])
