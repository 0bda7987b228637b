from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils.timezone import now

from accounts.tests.factories import make_account
from accounts.tests.pages import shown_form
from devices import editing, pairing, preferences
from devices.models import (
    AccountDefaults,
    AccountPreferences,
    CoreInteraction,
    CoreMetric,
    Device,
    PairingSession,
    SampleStatus,
    SttEngineDay,
    SttTranscription,
    Tag,
    Voice,
    WakeWord,
    WakeWordSample,
)
from devices.tests.factories import make_device, make_token, make_voice, make_wake_word
from geography.tests.factories import make_city, make_region

MODELS = sorted(
    model._meta.model_name
    for model in admin.site._registry
    if model._meta.app_label in ("devices", "geography")
)
TOKENS_FORM = {"tokens-TOTAL_FORMS": 0, "tokens-INITIAL_FORMS": 0}
PANTACOR_FORM = {"pantacor_config-TOTAL_FORMS": 0, "pantacor_config-INITIAL_FORMS": 0}
POCKETSPHINX_FORM = {"pocketsphinx-TOTAL_FORMS": 0, "pocketsphinx-INITIAL_FORMS": 0}


@pytest.fixture
def staff_client(db, client):
    """A browser signed in to the admin."""
    staff = make_account(is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def everything(account, device, kansas_city):
    """At least one row of each kind that the admin shows."""
    moment = now()
    make_token(device)
    pairing.issue_code("state")
    preferences.change(
        account, date_format="MM/DD/YYYY", measurement_system="Metric", time_format="12 Hour"
    )
    AccountDefaults.objects.create(account=account)
    tag = Tag.objects.create(name="age", title="Age", instructions="How old?", priority=1)
    sample = WakeWordSample.objects.create(
        wake_word=device.wake_word, account=account, digest="d" * 64, recorded_at=moment
    )
    sample.tags.create(value=tag.values.create(value="a", display="A"), account=account)
    CoreMetric.objects.create(device=device, name="timing", value={})
    CoreInteraction.objects.create(device=device, core_id="1", started_at=moment)
    spans = {"audio_seconds": 2, "transcription_seconds": 1}
    SttTranscription.objects.create(account=account, engine="vosk", succeeded=True, **spans)
    SttEngineDay.objects.create(day=moment.date(), engine="vosk", requests=2, successes=1, **spans)


def device_form(device, **changes):
    """Return what the form of ``device`` sends."""
    chosen = {
        "name": device.name,
        "placement": device.placement,
        "voice": device.voice_id,
        "wake_word": device.wake_word_id,
        "city": device.city_id or "",
        "timezone": device.timezone_id or "",
    }
    return chosen | TOKENS_FORM | PANTACOR_FORM | changes


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", MODELS)
def test_every_list_can_be_read_and_searched(staff_client, model):
    app = "geography" if model in ("city", "country", "region", "timezone") else "devices"

    response = staff_client.get(f"/admin/{app}/{model}/")

    assert response.status_code == 200
    if response.context["cl"].search_fields:
        assert staff_client.get(f"/admin/{app}/{model}/?q=kansas city").status_code == 200


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", [name for name in MODELS if name != "device"])
def test_every_row_can_be_looked_at(staff_client, model):
    app = "geography" if model in ("city", "country", "region", "timezone") else "devices"
    (found,) = [each for each in admin.site._registry if each._meta.label_lower == f"{app}.{model}"]

    response = staff_client.get(f"/admin/{app}/{model}/{found.objects.first().pk}/change/")

    assert response.status_code == 200


def test_no_page_shows_a_digest_or_a_code(staff_client, device):
    make_token(device)
    session, _ = pairing.issue_code("state")
    pair = device.tokens.get()

    pages = [
        staff_client.get(f"/admin/devices/device/{device.pk}/change/"),
        staff_client.get("/admin/devices/pairingsession/"),
        staff_client.get(f"/admin/devices/pairingsession/{session.pk}/change/"),
    ]

    secrets = [pair.access_digest, pair.refresh_digest]
    secrets += [session.token_digest, session.state_digest, f">{session.code}<"]
    for page in pages:
        assert page.status_code == 200
        assert not [secret for secret in secrets if secret in page.text]


def test_a_change_reaches_the_device_on_its_next_poll(
    staff_client, device, device_client, kansas_city
):
    path = f"/v1/device/{device.pk}"
    known = {"If-None-Match": device_client.get(path)["ETag"]}
    change = {"name": "Attic", "city": kansas_city.pk, "timezone": kansas_city.timezone_id}

    response = staff_client.post(
        f"/admin/devices/device/{device.pk}/change/", device_form(device, **change)
    )

    assert response.status_code == 302
    after = device_client.get(path, headers=known)
    assert (after.status_code, after.json()["name"]) == (200, "Attic")
    location = device_client.get(f"{path}/location")
    assert location.json()["city"]["name"] == "Kansas City"


def test_what_an_owner_changed_while_the_page_was_open_stays(staff_client, device):
    path = f"/admin/devices/device/{device.pk}/change/"
    form = shown_form(staff_client.get(path))
    editing.change(device, name="Attic", voice=make_voice("American Male"))

    response = staff_client.post(path, form | {"placement": "on the shelf"})

    assert response.status_code == 302
    device.refresh_from_db()
    assert (device.name, device.placement) == ("Attic", "on the shelf")
    assert device.voice.display_name == "American Male"


def test_staff_win_where_both_changed_the_same(staff_client, device):
    path = f"/admin/devices/device/{device.pk}/change/"
    form = shown_form(staff_client.get(path))
    editing.change(device, name="Attic")

    staff_client.post(path, form | {"name": "Cellar"})

    assert Device.objects.get().name == "Cellar"


def test_preferences_changed_while_the_page_was_open_stay(staff_client, account):
    chosen = {"date_format": "DD/MM/YYYY", "measurement_system": "Metric"}
    preferences.change(account, time_format="12 Hour", **chosen)
    row = AccountPreferences.objects.get()
    path = f"/admin/devices/accountpreferences/{row.pk}/change/"
    form = shown_form(staff_client.get(path))
    chosen = {"date_format": "MM/DD/YYYY", "measurement_system": "Imperial"}
    preferences.change(account, time_format="12 Hour", **chosen)

    response = staff_client.post(path, form | {"time_format": "24 Hour"})

    assert response.status_code == 302
    row.refresh_from_db()
    assert (row.date_format, row.measurement_system) == ("MM/DD/YYYY", "Imperial")
    assert row.time_format == "24 Hour"


def test_defaults_changed_while_the_page_was_open_stay(staff_client, account, kansas_city):
    row = AccountDefaults.objects.create(account=account, voice=make_voice())
    path = f"/admin/devices/accountdefaults/{row.pk}/change/"
    form = shown_form(staff_client.get(path))
    AccountDefaults.objects.update(voice=make_voice("American Male"))

    response = staff_client.post(path, form | {"wake_word": make_wake_word().pk})

    assert response.status_code == 302
    row.refresh_from_db()
    assert row.voice.display_name == "American Male"
    assert row.wake_word == make_wake_word()


def test_half_a_place_and_a_taken_name_are_refused(staff_client, account, device, kansas_city):
    make_device(account, name="Attic")
    change = {"name": "Attic", "timezone": kansas_city.timezone_id}

    response = staff_client.post(
        f"/admin/devices/device/{device.pk}/change/", device_form(device, **change)
    )

    assert response.status_code == 200
    assert response.context["errors"] == [
        ["the account has another device of this name"],
        ["city and time zone go together"],
    ]
    assert Device.objects.get(pk=device.pk).name == device.name


def test_the_time_zone_of_a_device_follows_its_city_unless_it_is_chosen_too(
    staff_client, device, kansas_city, vancouver, san_francisco
):
    page = f"/admin/devices/device/{device.pk}/change/"
    seen = []
    for change in (
        {"city": kansas_city.pk},
        {"city": vancouver.pk},
        {"city": kansas_city.pk, "timezone": san_francisco.timezone_id},
        {"timezone": kansas_city.timezone_id},
        {"city": ""},
    ):
        form = shown_form(staff_client.get(page)) | change
        assert staff_client.post(page, form).status_code == 302
        device.refresh_from_db()
        seen.append((device.city, device.timezone))

    assert seen == [
        (kansas_city, kansas_city.timezone),
        (vancouver, vancouver.timezone),
        (kansas_city, san_francisco.timezone),
        (kansas_city, kansas_city.timezone),
        (None, None),
    ]


def test_an_account_s_device_of_another_name_is_no_obstacle(staff_client, device):
    make_device(name="Attic")

    response = staff_client.post(
        f"/admin/devices/device/{device.pk}/change/", device_form(device, name="Attic")
    )

    assert response.status_code == 302
    assert Device.objects.get(pk=device.pk).name == "Attic"


@pytest.mark.parametrize("many", [False, True])
def test_a_device_removed_here_is_cut_off(staff_client, device, device_client, many):
    CoreMetric.objects.create(device=device, name="timing", value={})
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 200

    if many:
        action = {"action": "delete_selected", "_selected_action": device.pk, "post": "yes"}
        response = staff_client.post("/admin/devices/device/", action)
    else:
        path = f"/admin/devices/device/{device.pk}/delete/"
        response = staff_client.post(path, {"post": "yes"})

    assert response.status_code == 302
    assert not Device.objects.exists()
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 401


def test_a_device_can_be_cut_off_without_being_removed(staff_client, device, device_client):
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 200

    action = {"action": "cut_off", "_selected_action": device.pk}
    response = staff_client.post("/admin/devices/device/", action)

    assert response.status_code == 302
    assert Device.objects.get() == device
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 401


def found(client, query):
    return {
        row.name for row in client.get(f"/admin/devices/device/?{query}").context["cl"].queryset
    }


def test_devices_are_found_by_name_address_id_and_status(staff_client):
    one = make_device(make_account("one@selene.test"), name="Kitchen", last_contact_at=now())
    month = now() - timedelta(days=31)
    make_device(make_account("two@selene.test"), name="Attic", last_contact_at=month)
    make_device(name="New")

    assert found(staff_client, "q=kitch") == {"Kitchen"}
    assert found(staff_client, "q=two@selene") == {"Attic"}
    assert found(staff_client, f"q={one.pk}") == {"Kitchen"}
    assert found(staff_client, "status=Connected") == {"Kitchen"}
    assert found(staff_client, "status=Dormant") == {"Attic"}
    assert found(staff_client, "status=Disconnected") == {"New"}


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_as_many_queries_however_many_devices(
    staff_client, kansas_city, django_assert_max_num_queries, number
):
    for _ in range(number):
        make_device(city=kansas_city, timezone=kansas_city.timezone)
    staff_client.get("/admin/devices/device/")

    with django_assert_max_num_queries(8):
        staff_client.get("/admin/devices/device/")


def test_a_changed_voice_reaches_the_devices_that_have_it(staff_client, device, device_client):
    path = f"/v1/device/{device.pk}/setting"
    known = {"If-None-Match": device_client.get(path)["ETag"]}
    other = make_device(voice=make_voice("Other", "mimic2", "kusal"))

    response = staff_client.post(
        f"/admin/devices/voice/{device.voice_id}/change/",
        {"display_name": "British Male", "engine": "mimic", "setting_name": "trinity"},
    )

    assert response.status_code == 302
    after = device_client.get(path, headers=known)
    assert after.status_code == 200
    assert after.json()["ttsSettings"] == {"module": "mimic", "mimic": {"voice": "trinity"}}
    assert Device.objects.get(pk=other.pk).version == 1


def test_a_changed_wake_word_counts_as_a_change_of_its_devices(staff_client, device):
    response = staff_client.post(
        f"/admin/devices/wakeword/{device.wake_word_id}/change/",
        {"name": "Hey Selene", "engine": "precise"} | POCKETSPHINX_FORM,
    )

    assert response.status_code == 302
    assert WakeWord.objects.get().name == "hey selene"
    assert Device.objects.get().version == 2


@pytest.mark.parametrize("model", ["voice", "wakeword"])
def test_what_is_in_use_cannot_be_removed(staff_client, device, model):
    pk = {"voice": device.voice_id, "wakeword": device.wake_word_id}[model]

    page = staff_client.get(f"/admin/devices/{model}/{pk}/delete/")
    staff_client.post(f"/admin/devices/{model}/{pk}/delete/", {"post": "yes"})

    assert "is in use" in page.text
    assert (Voice.objects.count(), WakeWord.objects.count()) == (1, 1)


@pytest.mark.parametrize("model", [Voice, WakeWord])
def test_what_nobody_uses_can_be_removed(staff_client, model):
    row = {Voice: make_voice, WakeWord: make_wake_word}[model]()

    path = f"/admin/devices/{model._meta.model_name}/{row.pk}/delete/"
    response = staff_client.post(path, {"post": "yes"})

    assert response.status_code == 302
    assert not model.objects.exists()


@pytest.mark.parametrize("is_removal", [False, True])
def test_preferences_changed_here_reach_the_devices(
    staff_client, account, device, device_client, is_removal
):
    preferences.change(
        account, date_format="MM/DD/YYYY", measurement_system="Metric", time_format="12 Hour"
    )
    path = f"/v1/device/{device.pk}/setting"
    known = {"If-None-Match": device_client.get(path)["ETag"]}
    form = {"date_format": "MM/DD/YYYY", "time_format": "12 Hour"}
    form |= {"measurement_system": "Imperial", "post": "yes"}
    page = "delete" if is_removal else "change"

    row = AccountPreferences.objects.get()
    response = staff_client.post(f"/admin/devices/accountpreferences/{row.pk}/{page}/", form)

    assert response.status_code == 302
    assert AccountPreferences.objects.exists() is not is_removal
    after = device_client.get(path, headers=known)
    assert (after.status_code, after.json()["systemUnit"]) == (200, "imperial")


def test_default_places_lie_in_one_another(staff_client, account, kansas_city, vancouver):
    row = AccountDefaults.objects.create(account=account)
    form = {"country": vancouver.region.country_id, "region": kansas_city.region_id}
    form |= {"city": vancouver.pk, "timezone": "", "voice": "", "wake_word": ""}
    path = f"/admin/devices/accountdefaults/{row.pk}/change/"

    refused = staff_client.post(path, form)
    accepted = staff_client.post(path, form | {"region": vancouver.region_id})

    assert refused.context["errors"] == [["not in this country"], ["not in this region"]]
    assert accepted.status_code == 302
    row.refresh_from_db()
    assert row.city == vancouver


def test_lapsed_pairing_sessions_can_be_purged(staff_client):
    live, _ = pairing.issue_code("one")
    lapsed, _ = pairing.issue_code("two")
    PairingSession.objects.filter(pk=lapsed.pk).update(expires_at=now())

    response = staff_client.post(
        "/admin/devices/pairingsession/", {"action": "purge", "_selected_action": live.pk}
    )

    assert response.status_code == 302
    assert PairingSession.objects.get() == live


@pytest.mark.usefixtures("everything")
def test_samples_can_be_marked_for_deletion(staff_client):
    sample = WakeWordSample.objects.get()

    response = staff_client.post(
        "/admin/devices/wakewordsample/",
        {"action": "mark_for_deletion", "_selected_action": sample.pk},
    )

    assert response.status_code == 302
    assert WakeWordSample.objects.get().status == SampleStatus.PENDING_DELETE


@pytest.mark.parametrize(
    "path",
    [
        "devices/accountpreferences/add",
        "devices/coremetric/add",
        "devices/pairingsession/add",
        "geography/city/add",
    ],
)
def test_rows_that_are_made_elsewhere_are_not_added_here(staff_client, path):
    assert staff_client.get(f"/admin/{path}/").status_code == 403


def test_the_form_of_a_device_lists_no_city(staff_client, device, kansas_city):
    page = staff_client.get(f"/admin/devices/device/{device.pk}/change/")
    offered = staff_client.get(
        "/admin/autocomplete/?app_label=devices&model_name=device&field_name=city&term=Kansas"
    )

    assert "Kansas City" not in page.text
    assert [row["id"] for row in offered.json()["results"]] == [str(kansas_city.pk)]


@pytest.mark.parametrize("number", [1, 3])
def test_cities_of_one_name_can_be_told_apart(staff_client, number, django_assert_num_queries):
    regions = [make_region(f"US.{index}", f"State {index}") for index in range(number)]
    for region in regions:
        make_city("Springfield", region)
    query = "app_label=devices&model_name=device&field_name=city&term=spring"
    staff_client.get(f"/admin/autocomplete/?{query}")

    with django_assert_num_queries(5):
        response = staff_client.get(f"/admin/autocomplete/?{query}")

    assert {row["text"] for row in response.json()["results"]} == {
        f"Springfield, {region.name}, United States" for region in regions
    }


def test_the_form_of_a_device_says_where_its_city_lies(staff_client, kansas_city):
    device = make_device(city=kansas_city, timezone=kansas_city.timezone)

    page = staff_client.get(f"/admin/devices/device/{device.pk}/change/")

    assert "Kansas City, Missouri, United States" in page.text


def test_a_device_that_pantacor_does_not_know_shows_no_form_for_it(staff_client, device):
    page = staff_client.get(f"/admin/devices/device/{device.pk}/change/")

    assert "pantacor_config-0-pantacor_id" not in page.text
