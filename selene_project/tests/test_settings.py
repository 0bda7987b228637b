"""What the environment makes of the settings: each case is a process that starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.household  # no database in it

ROOT = Path(__file__).resolve().parents[2]
PRINT = """
import json
from selene_project import settings
print(json.dumps({name: getattr(settings, name) for name in %r}, default=str))
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that reads the settings in a process with the given variables alone."""

    def run(*names, **environment):
        own = {"PATH": os.environ["PATH"], "SELENE_DATA_DIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", PRINT % (names,)],
            cwd=ROOT,
            env=own | environment,
            capture_output=True,
            text=True,
        )

    return run


def values(process):
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_without_any_variable_the_settings_are_a_household_server(start, tmp_path):
    read = values(start("DATABASES", "CACHES", "PORT", "SELENE_APIS", "DEBUG"))

    assert read["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert read["DATABASES"]["default"]["NAME"] == str(tmp_path / "selene.sqlite3")
    assert read["CACHES"]["default"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"
    assert read["PORT"] == 8000
    assert read["SELENE_APIS"] == ["sso", "account", "market", "device", "admin"]
    assert read["DEBUG"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("SELENE_DEBUG", "perhaps"),
        ("SELENE_THROTTLE_SCALE", "twice"),
        ("SELENE_CONN_MAX_AGE", "1.5"),
        ("SELENE_DEVICE_TOKEN_IDLE", "30 days"),
        ("SELENE_LOG_FORMAT", "xml"),
        ("SELENE_LOG_LEVEL", "LOUD"),
        ("SELENE_APIS", "sso,acount"),
        ("DATABASE_URL", "postgres//nothing"),
        ("DATABASE_URL", "oracel://db.example/selene"),
        ("REDIS_URL", "cache.example:6379"),
        ("SELENE_FIELD_KEY", "short"),
        ("SSO_BASE_URL", "sso.example"),
        ("SELENE_THROTTLE_SCALE", "nan"),
    ],
)
def test_a_value_that_cannot_be_read_stops_the_start_with_the_name(start, name, value):
    process = start(**{name: value})

    last_line = process.stderr.strip().splitlines()[-1:]
    assert process.returncode == 1
    assert last_line
    assert last_line[0].startswith("django.core.exceptions.ImproperlyConfigured:")
    assert name in last_line[0]


@pytest.mark.parametrize("name", ["SELENE_FIELD_KEY", "DATABASE_URL", "REDIS_URL"])
def test_an_error_never_shows_a_secret(start, name):
    process = start(**{name: "pg://selene:hunter2@db.example"})

    assert process.returncode == 1
    assert "hunter2" not in process.stderr + process.stdout


def test_a_value_that_begins_with_a_dollar_sign_is_taken_as_it_is(start):
    read = values(start("JWT_ACCESS_SECRET", JWT_ACCESS_SECRET="$HOME-sweet-home"))

    assert read == {"JWT_ACCESS_SECRET": "$HOME-sweet-home"}


def test_a_list_may_have_spaces_after_its_commas(start):
    read = values(start("SELENE_APIS", SELENE_APIS="device, sso,"))

    assert read == {"SELENE_APIS": ["device", "sso"]}


@pytest.mark.parametrize(
    ("value", "meaning"), [("true", True), ("YES", True), ("1", True), ("off", False), ("", False)]
)
def test_yes_and_no_may_be_written_as_people_write_them(start, value, meaning):
    read = values(start("DEBUG", SELENE_DEBUG=value))

    assert read == {"DEBUG": meaning}


def test_a_base_url_loses_the_slash_at_its_end(start):
    read = values(start("SSO_BASE_URL", SSO_BASE_URL="https://sso.selene.example/"))

    assert read == {"SSO_BASE_URL": "https://sso.selene.example"}


def test_an_api_that_does_not_exist_is_named_with_those_that_do(start):
    process = start(SELENE_APIS="device,acount")

    assert process.stderr.strip().splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: "
        "SELENE_APIS: acount not of sso, account, market, device, admin"
    )


def test_the_names_of_the_first_selene_make_a_fleet(start):
    first_selene = {
        "DB_HOST": "db.example",
        "DB_PORT": "5433",
        "DB_NAME": "mycroft",
        "DB_USER": "selene",
        "DB_PASSWORD": "p@ss/w:rd%",
        "REDIS_HOST": "cache.example",
        "REDIS_PORT": "6380",
    }

    read = values(start("DATABASES", "CACHES", **first_selene))

    database = read["DATABASES"]["default"]
    assert database["ENGINE"] == "selene_project.postgresql"
    assert (database["HOST"], database["PORT"]) == ("db.example", 5433)
    assert (database["NAME"], database["USER"]) == ("mycroft", "selene")
    assert database["PASSWORD"] == "p@ss/w:rd%"
    assert read["CACHES"]["default"]["LOCATION"] == "redis://cache.example:6380/0"


def test_the_urls_win_over_the_names_of_the_first_selene(start):
    urls = {
        "DATABASE_URL": "postgres://me@new.example/selene",
        "REDIS_URL": "redis://new.example:6379/3",
    }
    read = values(
        start("DATABASES", "CACHES", DB_HOST="old.example", REDIS_HOST="o.example", **urls)
    )

    assert read["DATABASES"]["default"]["HOST"] == "new.example"
    assert read["CACHES"]["default"]["LOCATION"] == "redis://new.example:6379/3"


def test_secrets_of_the_environment_win_and_the_others_are_made_once(start, tmp_path):
    names = ("SECRET_KEY", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")

    first = values(start(*names, JWT_ACCESS_SECRET="a" * 40))
    second = values(start(*names, JWT_ACCESS_SECRET="b" * 40))

    assert first["JWT_ACCESS_SECRET"] == "a" * 40
    assert second["JWT_ACCESS_SECRET"] == "b" * 40
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["JWT_REFRESH_SECRET"] == second["JWT_REFRESH_SECRET"]
    assert "a" * 40 not in (tmp_path / "secrets.env").read_text()


def test_with_all_secrets_given_no_file_is_made(start, tmp_path):
    names = ("DJANGO_SECRET_KEY", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "JWT_RESET_SECRET")
    given = {name: name.lower() * 3 for name in names}

    values(start("SECRET_KEY", SELENE_FIELD_KEY="A" * 43 + "=", **given))

    assert list(tmp_path.iterdir()) == []


def test_https_makes_cookies_secure(start):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")

    at_home = values(start(*names))
    outside = values(start(*names, ACCOUNT_BASE_URL="https://account.selene.example"))

    assert list(at_home.values()) == [False, False, 0]
    assert list(outside.values()) == [True, True, 31_536_000]
