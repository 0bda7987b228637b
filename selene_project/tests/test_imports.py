"""Who may import whom: the apps in one order, and the modules of an app in one order."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.household  # no database in it

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "geography": set(),
    "accounts": set(),
    "sso": {"accounts"},
    "devices": {"geography", "accounts"},
    "market": {"geography", "accounts", "devices"},
    "operations": {"geography", "accounts", "sso", "devices", "market"},
}
OURS = {*MAY_IMPORT, "selene_project", "tools", "conftest"}
# What a module of an app is, by its first name below the app; any other name is a use case.
RANKS = {"models": 0, "migrations": 0, "serializers": 2, "views": 2, "admin": 2, "management": 2}
RANKS |= {"urls": 3, "apps": 3}
RANKS |= {"json_numbers": 0, "prefix_index": 0}  # what columns and indexes are made of
USE_CASE = 1


def modules():
    """Yield the name and the syntax tree of every module of the apps."""
    for app in MAY_IMPORT:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            yield name, ast.parse(path.read_text()), path.name == "__init__.py"


def imports_of(module, tree, is_package):
    """Return the modules of ours that ``module`` imports, wherever in its code."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = ".".join([*above, *filter(None, [node.module])] if node.level else [node.module])
            # ``from devices import views`` names a module, ``from devices.views import X`` does too
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


def broken_rule(importer, imported):
    """Return the rule that ``importer`` breaks by importing ``imported``, or None."""
    app, part = (importer.split(".") + [""])[:2]
    other_app, other_part = (imported.split(".") + [""])[:2]
    is_test = part == "tests"
    if other_app != app and other_app not in MAY_IMPORT[app]:
        if is_test and other_app in {"conftest", "tools"}:
            return None
        return f"{app} may not import {other_app}"
    if is_test:
        return None
    if other_part == "tests":
        return "only tests import tests"
    if other_part == "views" and part not in {"urls", "views"}:
        return "nothing imports a view"
    if other_app == app and RANKS.get(part, USE_CASE) < RANKS.get(other_part, USE_CASE):
        return f"{part} may not import {other_part}"
    return None


def test_every_import_keeps_the_order_of_the_apps_and_of_the_modules_in_them():
    broken = [
        f"{module} imports {imported}: {rule}"
        for module, tree, is_package in modules()
        for imported in sorted(imports_of(module, tree, is_package))
        if (rule := broken_rule(module, imported))
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("importer", "imported", "rule"),
    [
        ("geography.models", "accounts.models.Account", "geography may not import accounts"),
        ("devices.pairing", "market.models", "devices may not import market"),
        ("sso.views", "selene_project.errors", "sso may not import selene_project"),
        ("devices.tests.test_pair", "market.models", "devices may not import market"),
        ("devices.models", "devices.pairing.claim_code", "models may not import pairing"),
        ("devices.pairing", "devices.serializers", "pairing may not import serializers"),
        ("market.catalogue", "devices.views.pairing", "nothing imports a view"),
        ("devices.admin", "devices.views", "nothing imports a view"),
        ("devices.serializers", "devices.urls", "serializers may not import urls"),
        ("devices.pairing", "devices.tests.factories", "only tests import tests"),
        ("operations.jobs", "sso.sessions", None),
        ("devices.views.pairing", "devices.pairing", None),
        ("devices.urls", "devices.views.pairing", None),
        ("market.tests.test_manifest", "devices.tests.factories", None),
    ],
)
def test_an_import_is_judged_by_the_rule_that_it_breaks(importer, imported, rule):
    assert broken_rule(importer, imported) == rule


def test_imports_are_found_wherever_and_however_they_are_written():
    tree = ast.parse(
        "import os, devices.models\n"
        "from accounts import sessions\n"
        "def later():\n"
        "    from ..pairing import claim_code\n"
        "    from . import device\n"
    )

    assert imports_of("devices.views.account", tree, False) == {
        "devices.models",
        "accounts.sessions",
        "devices.pairing.claim_code",
        "devices.views.device",
    }
