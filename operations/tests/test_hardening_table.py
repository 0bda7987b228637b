"""The table of docs/hardening.md: each of its rows has tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/hardening.md").read_text()
ROWS = re.findall(r"^\| (?!must|---)(.+) \| (.+) \|$", PAGE, re.MULTILINE)
MODULE = re.compile(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)")


@pytest.mark.parametrize(("must", "tests"), ROWS, ids=[row[0] for row in ROWS])
def test_the_tests_of_a_row_are_there(must, tests):
    named = [
        (path, name) for path, names in MODULE.findall(tests) for name in re.findall(r"\w+", names)
    ]

    missing = [
        (path, name) for path, name in named if f"def test_{name}(" not in (ROOT / path).read_text()
    ]

    assert named
    assert missing == []
