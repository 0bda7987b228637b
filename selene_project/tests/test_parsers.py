"""The JSON parser: it returns what a database can keep, or raises a 4xx; nothing else."""

import io
import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from selene_project.parsers import MAX_DEPTH, BodyTooLarge, StrictJSONParser

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT
SCALARS |= st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(TEXT, below), max_leaves=20
)


def parse(raw):
    return StrictJSONParser().parse(io.BytesIO(raw))


@given(VALUES)
def test_what_a_client_sends_arrives_as_it_is(value):
    assert parse(json.dumps(value).encode()) == value


@given(VALUES)
def test_what_was_read_can_be_written_again(value):
    assert (
        orjson.loads(orjson.dumps(parse(json.dumps(value, ensure_ascii=False).encode()))) == value
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_a_parse_error(raw):
    try:
        data = parse(raw)
    except ParseError:
        return

    assert "\x00" not in json.dumps(data, ensure_ascii=False)
    orjson.dumps(data)


@given(st.text(st.sampled_from('[]{}",:\\u0d8e-+.12 \x00'), max_size=60))
def test_nearly_json_is_data_or_a_parse_error(text):
    try:
        data = parse(text.encode())
    except ParseError:
        return

    assert "\\u0000" not in json.dumps(data)


@given(VALUES, st.integers(0, 2 * MAX_DEPTH))
def test_depth_is_counted_wherever_it_is(value, depth):
    raw = b'{"a": [' * (depth // 2) + b"[" * (depth % 2) + json.dumps(value).encode()
    raw += b"]" * (depth % 2) + b"]}" * (depth // 2)

    if depth + levels(value) <= MAX_DEPTH:
        parse(raw)
    else:
        with pytest.raises(ParseError, match="nested deeper than 32 levels"):
            parse(raw)


def levels(value):
    if isinstance(value, dict):
        return 1 + max([0, *map(levels, value.values())])
    if isinstance(value, list):
        return 1 + max([0, *map(levels, value)])
    return 0


def test_a_body_longer_than_it_was_said_to_be_is_refused(settings):
    settings.MAX_BODY_BYTES = 10

    with pytest.raises(BodyTooLarge):
        parse(b'"' + b"a" * 9 + b'"')
