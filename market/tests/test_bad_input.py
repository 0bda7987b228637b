"""Whatever is sent about skills: 2xx or 4xx with JSON, and nothing half stored."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market.models import DeviceSkill
from market.tests.factories import entry, install, manifest_of, meta, text

ANY_NUMBER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=ANY_NUMBER)

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.sampled_from(["a|1", "@|x", "installed", "password", "checkbox", "number", "1e400"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def some_of(*keys):
    """Return objects that have some of ``keys``, with any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, anything))


manifests = st.fixed_dictionaries({"skills": st.lists(some_of(*entry("a|1")), max_size=3)})
fields = some_of("name", "type", "label", "value", "options", "hide")
named_fields = st.fixed_dictionaries({"name": st.sampled_from("abc"), "value": anything}) | fields
definitions = st.builds(
    lambda sent, identity: sent | identity,
    st.builds(lambda listed: meta("a|1", *listed), st.lists(named_fields, max_size=4)),
    some_of("skill_gid", "display_name", "identifier", "skillMetadata") | st.just({}),
)
changes = st.fixed_dictionaries(
    {
        "skillIds": st.just([]) | anything,
        "skillSettings": st.lists(
            st.fixed_dictionaries(
                {
                    "settingsDisplay": anything,
                    "settingsValues": st.dictionaries(st.sampled_from("abc"), anything) | anything,
                    "deviceNames": st.just(["Kitchen"]) | anything,
                }
            )
            | anything,
            max_size=3,
        ),
    }
)


def is_fine(response):
    """Tell whether it is a success, or a refusal that says why."""
    if response.status_code < 300:
        return not response.content or json.loads(response.content) is not None
    return 400 <= response.status_code < 500 and bool(json.loads(response.content))


def is_readable(client, device):
    paths = ("skillJson", "skill/settings", "skill")
    return all(is_fine(client.get(f"/v1/device/{device.pk}/{path}")) for path in paths)


@relaxed
@given(sent=manifests | anything)
def test_any_manifest(device, device_client, sent):
    response = device_client.put(f"/v1/device/{device.pk}/skillJson", sent, format="json")

    assert is_fine(response)
    assert is_readable(device_client, device)


@relaxed
@given(sent=definitions | anything)
@pytest.mark.parametrize("path", ["settingsMeta", "skill"])
def test_any_definition(device, device_client, account_client, path, sent):
    response = device_client.put(f"/v1/device/{device.pk}/{path}", sent, format="json")

    assert is_fine(response)
    assert is_readable(device_client, device)
    assert is_fine(account_client.get("/api/skills"))
    assert is_fine(account_client.get("/api/skills/a/settings"))


@relaxed
@given(sent=changes | anything)
def test_any_change_of_settings(account, device, account_client, sent):
    type(device).objects.filter(pk=device.pk).update(name="Kitchen")
    install(device, "a|1", text("a"), text("b", "1", type="number"), text("c", "", type="password"))

    response = account_client.put("/api/skills/a/settings", sent, format="json")

    assert is_fine(response)
    assert is_fine(account_client.get("/api/skills/a/settings"))


RAW = {
    "no JSON": (b"{", 400),
    "empty": (b"", 400),
    "lone surrogate": (b'{"skills": [{"skill_gid": "\\ud800"}]}', 400),
    "NUL": (b'{"skills": [{"skill_gid": "a\\u0000"}]}', 400),
    "not UTF-8": (b'{"skills": [{"skill_gid": "\xff"}]}', 400),
    "infinite": (b'{"skills": [{"skill_gid": "a", "installed": 1e999}]}', 400),
    "deep": (b'{"skills": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
    "2 MB": (b'{"skills": "' + b"x" * 2_000_000 + b'"}', 413),
}


@pytest.mark.parametrize("case", RAW)
@pytest.mark.parametrize("path", ["skillJson", "settingsMeta", "skill"])
def test_raw_bytes_that_are_no_request(device, device_client, path, case):
    content, status = RAW[case]

    response = device_client.put(
        f"/v1/device/{device.pk}/{path}", content, content_type="application/json"
    )

    assert response.status_code == status
    assert response.json()
    assert DeviceSkill.objects.count() == 0


@pytest.mark.parametrize("case", RAW)
def test_raw_bytes_that_are_no_change(account_client, case):
    content, status = RAW[case]

    response = account_client.put(
        "/api/skills/a/settings", content, content_type="application/json"
    )

    assert response.status_code == status
    assert response.json()


@pytest.mark.parametrize("path", ["skillJson", "settingsMeta", "skill/settings", "skill/a|1"])
def test_a_method_that_is_not_offered(device, device_client, path):
    response = device_client.post(f"/v1/device/{device.pk}/{path}", {})

    assert response.status_code == 405
    assert list(response.json()) == ["error"]
    assert response.headers["Allow"]


def test_a_form_is_no_manifest(device, device_client):
    response = device_client.put(
        f"/v1/device/{device.pk}/skillJson", "skills=1", content_type="text/plain"
    )

    assert response.status_code == 415


@pytest.mark.parametrize("gid", ["%00", "%FF", "a%0Ab", "../..", "%2e%2e%2f", "x" * 5000])
def test_odd_skill_ids_in_paths(device, device_client, gid):
    manifest = manifest_of(entry("a|1"))
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest)

    response = device_client.delete(f"/v1/device/{device.pk}/skill/{gid}")

    assert response.status_code in (204, 400, 404)
    assert DeviceSkill.objects.count() == 1


@pytest.mark.parametrize("family", ["%00", "%FF", "..", "a%0Ab", "x" * 5000])
def test_odd_family_names_in_paths(account_client, family):
    response = account_client.get(f"/api/skills/{family}/settings")

    assert response.status_code in (200, 400, 404)
    assert isinstance(response.json(), list | dict)
