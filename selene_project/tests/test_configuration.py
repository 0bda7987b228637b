"""docs/configuration.md lists every variable that the code reads, and its default, and no other."""

import ast
import re
from pathlib import Path

import pytest

from selene_project import secret_file

pytestmark = pytest.mark.household  # no database in it

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "devices", "geography", "market", "operations", "sso")
READERS = {"str", "int", "float", "bool", "list", "choice", "base_url"}
# Which settings to read: Django's own, the same for everybody
NOT_CONFIGURATION = {"DJANGO_SETTINGS_MODULE"}


def documented():
    """Return the default and the effect of each variable that has a row in a table."""
    rows = re.findall(
        r"^\| `([A-Z0-9_]+)` \| (.*?) \| (.*?) \|$",
        (ROOT / "docs/configuration.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == len({name for name, _, _ in rows}), "a variable is listed twice"
    return {name: (default, effect) for name, default, effect in rows}


def read_by_settings():
    """Return the default, as code, of each variable that the settings read by a literal name."""
    found = {}
    for name in ("settings.py", "environment.py"):
        for node in ast.walk(ast.parse((ROOT / "selene_project" / name).read_text())):
            if is_read(node) and isinstance(node.args[0], ast.Constant):
                defaults = [word.value for word in node.keywords if word.arg == "default"]
                found[node.args[0].value] = (defaults + node.args[2:] + [None])[0]
    return found


def is_read(node):
    """Tell whether ``node`` is a call such as ``env.int("PORT", default=8000)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.func.attr in READERS
    )


def read_by_apps():
    """Return the names after ``os.environ`` or ``os.getenv`` in what is not a test."""
    found = set()
    files = [ROOT / "manage.py", *(ROOT / "selene_project").glob("*.py")]
    files += [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    for path in files:
        if "tests" not in path.parts:
            found |= set(
                re.findall(
                    r"""\bos\.(?:environ(?:\[|\.\w+\()|getenv\()\s*f?["'](\w+)""",
                    path.read_text(),
                )
            )
    return found - NOT_CONFIGURATION


def test_the_page_lists_what_the_code_reads_and_nothing_else():
    read = read_by_settings().keys() | read_by_apps() | set(secret_file.NAMES)

    assert set(documented()) == read


def test_the_page_gives_each_variable_a_default_and_an_effect():
    lacking = [name for name, texts in documented().items() if not all(map(str.strip, texts))]

    assert lacking == []


@pytest.mark.parametrize(("name", "code"), read_by_settings().items())
def test_the_page_gives_the_default_that_the_code_has(name, code):
    default, _ = documented()[name]

    if isinstance(code, ast.Constant) and code.value not in ("", None):
        value = code.value
        assert f"`{str(value).lower() if isinstance(value, bool) else value}`" in default
    else:
        assert default


def test_the_settings_read_each_variable_in_a_way_that_this_test_sees():
    read = re.findall(
        r"env\.\w+\(\s*[\"']([A-Z0-9_]+)",
        (ROOT / "selene_project/settings.py").read_text()
        + (ROOT / "selene_project/environment.py").read_text(),
    )

    assert set(read) == set(read_by_settings())
