"""Which paths a process serves that was asked for some of the APIs only."""

from types import ModuleType

import pytest

from selene_project import urls

PATHS = {
    "sso": ["/api/internal-login", "/api/logout"],
    "account": [
        "/api/devices",
        "/api/preferences",
        "/api/countries",
        "/api/skills",
        "/api/skills/oauth/1",
        "/api/skills/timer/settings",
    ],
    "market": ["/api/skills/available", "/api/skills/status", "/api/skills/install"],
    "device": [
        "/v1/device/code",
        "/v1/auth/token",
        "/v1/auth/callback",
        "/v1/docs",
        "/v1/anything",
    ],
    "admin": ["/admin/login/"],
}
ALWAYS = ["/", "/livez", "/readyz"]


@pytest.fixture
def serve(settings):
    """Return a function that has this process serve some APIs only."""

    def serve(*apis):
        module = ModuleType("urls_of_some_apis")
        module.urlpatterns = urls._compose(list(apis))
        module.handler404 = urls.handler404
        settings.ROOT_URLCONF = module
        settings.SELENE_APIS = list(apis)

    return serve


def _is_served(api, path):
    response = api.get(path)
    # The answers of a process that does not know the path; on /v1/auth/token errors are empty.
    return response.status_code != 404 or response.content not in {b"", b'{"error": "not found"}'}


@pytest.mark.parametrize("served", PATHS)
def test_an_api_alone_serves_its_paths_and_no_others(api, db, serve, served):
    serve(served)

    found = {path for paths in PATHS.values() for path in paths if _is_served(api, path)}

    assert found == set(PATHS[served])
    assert all(_is_served(api, path) for path in ALWAYS)


def test_all_apis_share_one_url_space(api, db, serve):
    serve("sso", "account", "market", "device", "admin")

    assert all(_is_served(api, path) for paths in PATHS.values() for path in paths)


def test_single_sign_on_alone_takes_sign_ups_and_does_not_show_accounts(api, account_client, serve):
    serve("sso")

    assert api.post("/api/account", {}).status_code == 400
    assert account_client.get("/api/account").status_code == 405


def test_the_account_api_alone_shows_accounts_and_takes_no_sign_ups(api, account_client, serve):
    serve("account")

    assert api.post("/api/account", {}).status_code in {401, 405}
    assert account_client.post("/api/account", {}).status_code == 405
    assert account_client.get("/api/account").status_code == 200


def test_the_marketplace_alone_shows_who_is_signed_in(account_client, serve):
    serve("market")

    assert account_client.get("/api/account").status_code == 200
    assert account_client.get("/api/devices").status_code == 404


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/api", "/api/devices/"])
def test_an_unknown_path_is_404_in_json(api, db, path):
    response = api.get(path)

    assert (response.status_code, response.json()) == (404, {"error": "not found"})


@pytest.mark.parametrize("prefix", ["api", "v1"])
def test_the_apis_describe_themselves_without_assets_from_elsewhere(api, db, prefix):
    page = api.get(f"/{prefix}/docs").content.decode()
    schema = api.get(f"/{prefix}/schema?format=json")

    assert "//cdn" not in page
    assert 'src="/static/' in page
    assert schema.status_code == 200
    assert all(path.startswith(f"/{prefix}/") for path in schema.data["paths"])
    assert len(schema.data["paths"]) > 10


@pytest.mark.parametrize("family", ["available", "status", "install", "oauth", "oauth/1", "a/b"])
def test_no_name_of_a_skill_hides_its_settings(account_client, family):
    response = account_client.get(f"/api/skills/{family}/settings")

    assert (response.status_code, response.json()) == (200, [])
