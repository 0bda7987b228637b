"""The back office of skills."""

import pytest
from django.contrib import admin

from accounts import encryption
from accounts.tests.factories import make_account
from accounts.tests.pages import shown_form
from devices.tests.factories import make_device
from market import skill_settings
from market.models import DeviceSkill, OAuthCredential, OAuthToken
from market.tests.factories import (
    gids,
    install,
    make_catalogue_entry,
    make_credential,
    make_oauth_token,
    text,
    version_of,
)

MODELS = {
    model._meta.model_name: model
    for model in admin.site._registry
    if model._meta.app_label == "market"
}
CREDENTIAL = {
    "name": "Spotify",
    "client_id": "id",
    "client_authentication": "header",
    "scope": "playlist",
    "authorization_uri": "https://accounts.example/authorize",
    "token_uri": "https://accounts.example/token",
    "revoke_uri": "",
}


@pytest.fixture
def staff_client(db, client):
    """A browser signed in to the admin."""
    staff = make_account(is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def row(device):
    """A skill with a password, on ``device``."""
    found = install(device, "a|1", text("user"), text("pin", "", type="password"))
    skill_settings.replace(found, {"user": "anon", "pin": "s3cret"})
    return found


@pytest.fixture
def everything(row, account):
    make_catalogue_entry("b|1", title="Bee")
    credential = OAuthCredential.objects.create(
        **CREDENTIAL, encrypted_client_secret=encryption.encrypt("cl13nt-s3cret")
    )
    OAuthToken.objects.create(
        account=account, credential=credential, encrypted_token=encryption.encrypt("s3cret")
    )


def test_all_models_are_there():
    assert set(MODELS) == {
        "skill",
        "catalogueentry",
        "settingsdefinition",
        "deviceskill",
        "oauthcredential",
        "oauthtoken",
    }


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("name", MODELS)
def test_lists_and_rows_can_be_read_and_show_no_secret(staff_client, name):
    pages = [
        staff_client.get(f"/admin/market/{name}/"),
        staff_client.get(f"/admin/market/{name}/?q=a"),
        staff_client.get(f"/admin/market/{name}/{MODELS[name].objects.first().pk}/change/"),
    ]

    for page in pages:
        assert page.status_code == 200
        assert "s3cret" not in page.text
        assert "gAAAA" not in page.text


@pytest.mark.parametrize("name", ["deviceskill", "settingsdefinition", "catalogueentry"])
@pytest.mark.parametrize("number", [1, 3])
def test_lists_cost_the_same_whatever_their_length(
    staff_client, device, django_assert_max_num_queries, name, number
):
    for each in range(number):
        install(make_device(), f"{each}|1", text("user", str(each)))
        make_catalogue_entry(f"{each}|21.02")
    staff_client.get(f"/admin/market/{name}/")

    with django_assert_max_num_queries(8):
        staff_client.get(f"/admin/market/{name}/")


def test_a_change_reaches_the_device_on_its_next_poll(staff_client, device, device_client, row):
    url = f"/v1/device/{device.pk}/skill/settings"
    tag = device_client.get(url).headers["ETag"]

    response = staff_client.post(
        f"/admin/market/deviceskill/{row.pk}/change/",
        {"values": '{"user": "zoë", "pin": "********", "n": 1.5}'},
    )

    assert response.status_code == 302
    polled = device_client.get(url, headers={"If-None-Match": tag})
    assert polled.json() == {"a|1": {"user": "zoë", "pin": "s3cret", "n": 1.5}}


def test_a_password_can_be_replaced(staff_client, device, row):
    staff_client.post(
        f"/admin/market/deviceskill/{row.pk}/change/", {"values": '{"pin": "other-s3cret"}'}
    )

    assert skill_settings.of_device(device).by_skill == {"a|1": {"pin": "other-s3cret"}}
    assert "s3cret" not in str(DeviceSkill.objects.values().get())


def test_saving_the_form_as_it_is_changes_nothing(staff_client, device, row):
    before = version_of(device)
    page = staff_client.get(f"/admin/market/deviceskill/{row.pk}/change/")
    shown = page.context["adminform"].form["values"].value()

    staff_client.post(f"/admin/market/deviceskill/{row.pk}/change/", {"values": shown})

    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "anon", "pin": "s3cret"}}
    assert version_of(device) == before


def test_values_changed_while_the_page_was_open_stay(staff_client, device, row):
    url = f"/admin/market/deviceskill/{row.pk}/change/"
    form = shown_form(staff_client.get(url))
    skill_settings.replace(row, {"user": "ada", "pin": "s3cret"})

    response = staff_client.post(url, form)

    assert response.status_code == 302
    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "ada", "pin": "s3cret"}}


@pytest.mark.parametrize(
    "values",
    [
        "{",
        "[]",
        "5",
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"a": NaN}',
        f'{{"a": "{"x" * 70_000}"}}',
    ],
)
def test_values_that_cannot_be_stored_are_refused(staff_client, device, row, values):
    response = staff_client.post(f"/admin/market/deviceskill/{row.pk}/change/", {"values": values})

    assert response.status_code == 200
    assert response.context["errors"]
    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "anon", "pin": "s3cret"}}


def test_a_skill_is_taken_off_a_device(staff_client, device, row):
    before = version_of(device)

    staff_client.post(f"/admin/market/deviceskill/{row.pk}/delete/", {"post": "yes"})

    assert skill_settings.of_device(device).by_skill == {}
    assert version_of(device) > before


def test_several_skills_are_taken_off_their_devices(staff_client, device, row):
    other = install(make_device(), "b|1")

    staff_client.post(
        "/admin/market/deviceskill/",
        {"action": "delete_selected", "_selected_action": [row.pk, other.pk], "post": "yes"},
    )

    assert gids() == set()


def test_a_client_secret_is_written_and_never_shown(staff_client):
    response = staff_client.post(
        "/admin/market/oauthcredential/add/", CREDENTIAL | {"client_secret": "s3cret"}
    )

    credential = OAuthCredential.objects.get()
    assert response.status_code == 302
    assert "s3cret" not in credential.encrypted_client_secret
    assert encryption.decrypt(credential.encrypted_client_secret) == "s3cret"


def test_a_client_secret_stays_unless_another_is_written(staff_client):
    staff_client.post(
        "/admin/market/oauthcredential/add/", CREDENTIAL | {"client_secret": "s3cret"}
    )
    url = f"/admin/market/oauthcredential/{OAuthCredential.objects.get().pk}/change/"

    staff_client.post(url, CREDENTIAL | {"client_secret": "", "scope": "all"})

    credential = OAuthCredential.objects.get()
    assert credential.scope == "all"
    assert encryption.decrypt(credential.encrypted_client_secret) == "s3cret"


def test_the_page_of_a_credential_says_what_to_register(staff_client, settings):
    settings.API_BASE_URL = "https://api.selene.test"
    credential = make_credential()

    pages = [
        staff_client.get("/admin/market/oauthcredential/add/"),
        staff_client.get(f"/admin/market/oauthcredential/{credential.pk}/change/"),
    ]

    for page in pages:
        assert "https://api.selene.test/v1/auth/callback" in page.content.decode()
    assert str(credential.pk) in pages[1].content.decode()


def test_several_credentials_may_do_without_a_reference(staff_client):
    for name in ("Spotify", "GitHub"):
        sent = CREDENTIAL | {"name": name, "reference": "", "client_secret": ""}
        staff_client.post("/admin/market/oauthcredential/add/", sent)

    assert list(OAuthCredential.objects.values_list("reference", flat=True)) == [None, None]


@pytest.mark.parametrize("way", ["page", "list"])
@pytest.mark.parametrize("name", ["oauthtoken", "oauthcredential"])
def test_what_staff_delete_is_revoked(
    staff_client, account, httpserver, name, way, django_capture_on_commit_callbacks
):
    credential = make_credential(revoke_uri=httpserver.url_for("/revoke"))
    row = make_oauth_token(account, credential)
    pk = {"oauthtoken": row.pk, "oauthcredential": credential.pk}[name]
    httpserver.expect_oneshot_request("/revoke", method="POST").respond_with_data("")

    with (
        httpserver.wait(stop_on_nohandler=False, timeout=5) as waiting,
        django_capture_on_commit_callbacks(execute=True),
    ):
        if way == "page":
            staff_client.post(f"/admin/market/{name}/{pk}/delete/", {"post": "yes"})
        else:
            chosen = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
            staff_client.post(f"/admin/market/{name}/", chosen)

    assert waiting.result
    assert not OAuthToken.objects.exists()
    assert OAuthCredential.objects.exists() == (name == "oauthtoken")


def test_an_owner_who_is_no_staff_sees_none_of_it(client, account, row):
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")

    response = client.get(f"/admin/market/deviceskill/{row.pk}/change/")

    assert response.status_code == 302
    assert "/admin/login/" in response.headers["Location"]
