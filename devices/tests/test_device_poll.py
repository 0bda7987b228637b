"""What a device asks about itself: GET device, setting, location, subscription; PATCH device."""

import uuid

import pytest
from django.utils import timezone

from accounts.models import Acceptance, Agreement, AgreementType, Membership, Subscription
from devices import tokens
from devices.models import AccountPreferences, Device
from devices.tests.factories import make_device, make_token, make_voice

RESOURCES = ["", "/setting", "/location", "/subscription"]


def test_a_device_reads_what_it_is(device_client, device):
    Device.objects.update(
        name="Kitchen",
        placement="Shelf",
        core_version="21.2.0",
        enclosure_version="1.4.0",
        platform="mycroft_mark_1",
    )

    response = device_client.get(f"/v1/device/{device.pk}")

    assert response.status_code == 200
    assert response.json() == {
        "uuid": str(device.pk),
        "name": "Kitchen",
        "description": "Shelf",
        "coreVersion": "21.2.0",
        "enclosureVersion": "1.4.0",
        "platform": "mycroft_mark_1",
        "user": {"uuid": str(device.account_id)},
    }


def test_settings_that_nobody_set_are_the_defaults(device_client, device):
    response = device_client.get(f"/v1/device/{device.pk}/setting")

    assert response.json() == {
        "uuid": str(device.pk),
        "systemUnit": "imperial",
        "dateFormat": "MDY",
        "timeFormat": "half",
        "optIn": False,
        "ttsSettings": {"module": "mimic", "mimic": {"voice": "ap"}},
    }


def test_settings_follow_the_account_and_the_voice(device_client, device):
    AccountPreferences.objects.create(
        account=device.account,
        date_format="DD/MM/YYYY",
        time_format="24 Hour",
        measurement_system="Metric",
    )
    Device.objects.update(voice=make_voice("Google Free Voice", "google", ""))
    agreement = Agreement.objects.create(
        type=AgreementType.OPEN_DATASET, version="1", effective_on=timezone.now(), content="x"
    )
    Acceptance.objects.create(
        account=device.account, agreement=agreement, accepted_on=timezone.now()
    )

    response = device_client.get(f"/v1/device/{device.pk}/setting")

    assert response.json() == {
        "uuid": str(device.pk),
        "systemUnit": "metric",
        "dateFormat": "DMY",
        "timeFormat": "full",
        "optIn": True,
        "ttsSettings": {"module": "google", "google": {"voice": ""}},
    }


def test_location_is_where_the_device_stands(device_client, device, kansas_city):
    Device.objects.update(city=kansas_city, timezone=kansas_city.timezone)

    response = device_client.get(f"/v1/device/{device.pk}/location")

    assert response.json() == {
        "coordinate": {"latitude": 39.09973, "longitude": -94.57857},
        "timezone": {
            "name": "America/Chicago",
            "code": "America/Chicago",
            "offset": -21600000,
            "dstOffset": -18000000,
        },
        "city": {
            "name": "Kansas City",
            "state": {
                "name": "Missouri",
                "code": "US.MO",
                "country": {"name": "United States", "code": "US"},
            },
        },
    }


def test_a_device_without_a_place_has_no_location(device_client, device):
    response = device_client.get(f"/v1/device/{device.pk}/location")

    assert (response.status_code, response.content) == (404, b"")


def test_without_a_membership_the_subscription_is_free(device_client, device):
    response = device_client.get(f"/v1/device/{device.pk}/subscription")

    assert (response.status_code, response.json()) == (200, {"@type": "free"})


@pytest.mark.parametrize(("ended_at", "expected"), [(None, "Monthly"), (timezone.now(), "free")])
def test_a_subscription_is_named_after_the_membership_while_it_lasts(
    device_client, device, ended_at, expected
):
    Subscription.objects.create(
        account=device.account,
        membership=Membership.objects.create(
            type="Monthly", rate=1.99, rate_period="month", stripe_plan="monthly_premium"
        ),
        payment_method="Stripe",
        payment_account_id="cus_1",
        payment_id="sub_1",
        started_at=timezone.now() - timezone.timedelta(days=9),
        ended_at=ended_at,
    )

    response = device_client.get(f"/v1/device/{device.pk}/subscription")

    assert response.json() == {"@type": expected}


@pytest.mark.parametrize("path", ["", "/setting", "/location"])
@pytest.mark.parametrize("form", ["{}", '"{}"', 'W/"{}"', 'W/"{}', '"x", "{}"', "*"])
def test_an_answer_that_the_device_holds_is_not_sent_again(
    device_client, device, kansas_city, path, form
):
    Device.objects.update(city=kansas_city, timezone=kansas_city.timezone)
    tag = device_client.get(f"/v1/device/{device.pk}{path}").headers["ETag"]

    response = device_client.get(
        f"/v1/device/{device.pk}{path}", headers={"If-None-Match": form.format(tag.strip('"'))}
    )

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == tag


@pytest.mark.parametrize("held", ["", "abc", '"abc"', "W/", '"', ",", "é", "x" * 5000])
def test_any_other_tag_gets_the_whole_answer(device_client, device, held):
    response = device_client.get(f"/v1/device/{device.pk}", headers={"If-None-Match": held})

    assert response.status_code == 200


def test_no_two_resources_share_a_tag(device_client, device, account, api):
    other = make_device(account, name="Other", core_version=device.core_version)
    tags = {
        device_client.get(f"/v1/device/{device.pk}").headers["ETag"],
        device_client.get(f"/v1/device/{device.pk}/setting").headers["ETag"],
    }
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(other)}")
    tags.add(api.get(f"/v1/device/{other.pk}").headers["ETag"])

    assert len(tags) == 3


@pytest.mark.parametrize("path", ["", "/setting", "/location"])
def test_a_poll_costs_two_queries_at_most(
    device_client, device, kansas_city, path, django_assert_max_num_queries
):
    Device.objects.update(city=kansas_city, timezone=kansas_city.timezone)
    device_client.get(f"/v1/device/{device.pk}{path}")

    with django_assert_max_num_queries(2):
        response = device_client.get(f"/v1/device/{device.pk}{path}")

    assert response.status_code == 200


@pytest.mark.parametrize("path", [*RESOURCES, "/nonsense", ""])
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nope", "Basic nope"])
def test_without_a_good_token_everything_is_401(api, device, path, header):
    headers = {} if header is None else {"Authorization": header}

    response = api.get(f"/v1/device/{device.pk}{path}", headers=headers)

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/device/", "/v1/device//subscription", "/v1/", "/v1/what"])
def test_an_unknown_path_is_401_without_a_token_and_404_with_one(api, device_client, db, path):
    assert api.get(path).status_code == 401
    assert api.get(path, headers={"Authorization": "Bearer "}).status_code == 401
    response = device_client.get(path)

    assert response.status_code == 404
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("path", RESOURCES)
def test_a_token_is_good_for_its_own_device_only(device_client, account, path):
    other = make_device(account)

    for device_id in (other.pk, uuid.uuid4(), "not-a-uuid", "%00x"):
        response = device_client.get(f"/v1/device/{device_id}{path}")
        assert response.status_code in (400, 401), device_id


def test_a_method_that_is_not_offered_is_405(device_client, device):
    response = device_client.post(f"/v1/device/{device.pk}", {})

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, PATCH, HEAD, OPTIONS"
    assert list(response.json()) == ["error"]


def test_a_get_with_a_json_content_type_and_no_body_is_answered(device_client, device):
    response = device_client.get(f"/v1/device/{device.pk}", content_type="application/json")

    assert response.status_code == 200


def test_a_device_tells_its_versions(device_client, device):
    body = {
        "coreVersion": "21.2.1",
        "platform": "mycroft_mark_1",
        "platform_build": "b9",
        "enclosureVersion": "1.4.1",
    }

    response = device_client.patch(f"/v1/device/{device.pk}", body)

    assert (response.status_code, response.content) == (200, b"")
    device.refresh_from_db()
    assert (device.core_version, device.platform) == ("21.2.1", "mycroft_mark_1")
    assert (device.platform_build, device.enclosure_version) == ("b9", "1.4.1")


def test_null_means_unknown_and_absent_means_as_it_was(device_client, device):
    Device.objects.update(core_version="21.2.0", platform="mark")

    device_client.patch(f"/v1/device/{device.pk}", {"platform": None})

    device.refresh_from_db()
    assert (device.core_version, device.platform) == ("21.2.0", "unknown")


def test_a_patch_that_carries_the_tag_of_a_get_succeeds(device_client, device):
    tag = device_client.get(f"/v1/device/{device.pk}").headers["ETag"]

    response = device_client.patch(
        f"/v1/device/{device.pk}", {"coreVersion": "21.2.1"}, headers={"If-None-Match": tag}
    )

    assert (response.status_code, response.content) == (200, b"")
    assert "ETag" not in response.headers
    assert (
        device_client.get(f"/v1/device/{device.pk}", headers={"If-None-Match": tag}).json()[
            "coreVersion"
        ]
        == "21.2.1"
    )


def test_the_same_report_again_changes_nothing(device_client, device):
    device_client.patch(f"/v1/device/{device.pk}", {"coreVersion": "21.2.1"})
    version = Device.objects.get().version

    device_client.patch(f"/v1/device/{device.pk}", {"coreVersion": "21.2.1"})

    assert Device.objects.get().version == version


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"platform": {"a": 1}}, "platform"),
        ({"coreVersion": ["x"]}, "coreVersion"),
        ({"enclosureVersion": "x" * 101}, "enclosureVersion"),
        ([], "error"),
        ("text", "error"),
    ],
)
def test_a_bad_report_is_refused_and_nothing_is_stored(device_client, device, body, field):
    response = device_client.patch(f"/v1/device/{device.pk}", body)

    assert response.status_code == 400
    assert list(response.json()) == [field]
    device.refresh_from_db()
    assert (device.core_version, device.platform) == ("unknown", "unknown")


def test_the_first_use_of_a_token_is_remembered(device_client, device):
    device_client.get(f"/v1/device/{device.pk}")

    assert device.tokens.get().used_at is not None


def test_a_device_removed_between_two_queries_is_refused(device, api):
    """The account may remove the device while its poll is being answered."""
    token = make_token(device)
    known = tokens.recognise(tokens.digest(token))
    device.delete()

    api.force_authenticate(known.account, known)

    assert api.get(f"/v1/device/{known.pk}/setting").status_code == 401
