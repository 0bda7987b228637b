"""The table of calls in docs/api.md, held against the URLs, the descriptions and the tests."""

import re
from pathlib import Path

import pytest
from django.urls import resolve

from operations.tests import descriptions

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| `([A-Z]+) (\S+)` \| `(\S+)` \| `(\S+)` \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs/api.md").read_text())
AN_ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "view", "tests"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS]
)
def test_a_row_names_the_view_that_answers_and_the_tests_that_ask(method, path, view, tests):
    words = [word for word in re.split(r"[/{}]", path) if word and f"{{{word}}}" not in path]

    found = resolve(re.sub(r"{\w+}", AN_ID, path)).func.cls

    assert f"{found.__module__}.{found.__name__}" == view
    assert hasattr(found, method.lower())
    assert words[-1] in (ROOT / tests).read_text()


def test_the_table_has_each_call_once():
    described = {
        (method.upper(), path)
        for side in (descriptions.account_side, descriptions.device_side)
        for path, operations in side.raw_schema["paths"].items()
        for method in operations
    }

    assert sorted(row[:2] for row in ROWS) == sorted(described)
