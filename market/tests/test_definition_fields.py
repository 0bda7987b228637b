"""What stands in settings definitions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import definition_fields
from market.json_numbers import WireDecoder
from market.tests.factories import meta, text


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("checkbox", "true", True),
        ("checkbox", "True", True),
        ("checkbox", "1", True),
        ("checkbox", "false", False),
        ("checkbox", "False", False),
        ("checkbox", "0", False),
        ("checkbox", "maybe", "maybe"),
        ("checkbox", True, True),
        ("number", "5", 5),
        ("number", "-5", -5),
        ("number", "0.5", 0.5),
        ("number", "5.0", 5.0),
        ("number", ".5", 0.5),
        ("number", "1e3", 1000.0),
        ("number", " 7 ", 7),
        ("number", "", ""),
        ("number", "many", "many"),
        ("number", "nan", "nan"),
        ("number", "1e999", "1e999"),
        ("number", "1_000", "1_000"),
        ("number", "٣", "٣"),
        ("number", "9" * 5000, "9" * 5000),
        ("number", "18446744073709551616", 1.8446744073709552e19),
        ("number", 0.5, 0.5),
        ("text", "[]", []),
        ("text", "5", "5"),
        ("text", "true", "true"),
        ("select", "1", "1"),
        (None, "x", "x"),
    ],
)
def test_values_are_normalised_by_type(kind, written, value):
    normalised = definition_fields.normalise_value(kind, written)

    assert (normalised, type(normalised)) == (value, type(value))


def test_only_what_is_known_of_a_definition_is_kept():
    sent = meta("a|1", text("user"), icon=None, color="#fff", device_time=1)

    kept = definition_fields.normalise(sent)

    assert kept == {
        "display_name": "Timer",
        "color": "#fff",
        "skillMetadata": {"sections": [{"name": "Main", "fields": [text("user")]}]},
    }


def test_the_digest_does_not_depend_on_the_order_of_keys():
    one, other = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}

    assert definition_fields.digest(one) == definition_fields.digest(other)


@pytest.mark.parametrize(("one", "other"), [({"a": 1}, {"a": True}), ({"a": 5}, {"a": 5.0})])
def test_the_digest_tells_what_python_takes_for_equal(one, other):
    assert definition_fields.digest(one) != definition_fields.digest(other)


def test_no_password_is_left_in_a_definition():
    definition = meta("a|1", text("pin", "s3cret", type="password"), text("user"))

    kept = definition_fields.without_passwords(definition)

    assert definition_fields.values(kept) == {"pin": "", "user": "anon"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("One|1", [{"display": "One", "value": "1"}]),
        ("One|1;", [{"display": "One", "value": "1"}]),
        ("One|", [{"display": "One", "value": ""}]),
        ("One|1|2", "One|1|2"),
        ("One;Two", "One;Two"),
        (["One"], ["One"]),
    ],
)
def test_options_are_taken_apart_where_they_can_be(written, shown):
    assert definition_fields.options(written) == shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "name": st.text(max_size=5),
                "type": st.sampled_from(["checkbox", "number", "password", "select", "text"]),
                "value": json_values,
                "options": json_values,
            },
        ),
        max_size=4,
    )
)
def test_normalising_twice_is_normalising_once(fields):
    once = definition_fields.normalise(meta("a|1", *fields))

    twice = definition_fields.normalise(once)

    assert definition_fields.canonical(twice) == definition_fields.canonical(once)
    definition_fields.display(twice)
    assert definition_fields.without_passwords(twice).keys() == twice.keys()


@given(st.integers())
def test_stored_integers_always_fit_the_wire(number):
    assert definition_fields.canonical(json.loads(str(number), cls=WireDecoder))
