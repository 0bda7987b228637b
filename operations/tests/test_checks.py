"""What stops the start, each tried in a process of its own, as an operator would meet it."""

import os
import subprocess
import sys
from base64 import urlsafe_b64encode

import pytest

from tools.live import ROOT

pytestmark = pytest.mark.household  # no database in it

KEY = urlsafe_b64encode(bytes(range(32))).decode()
SAFE = {
    "ACCOUNT_BASE_URL": "https://account.selene.example",
    "DJANGO_SECRET_KEY": "d" * 32,
    "JWT_ACCESS_SECRET": "a" * 32,
    "JWT_REFRESH_SECRET": "r" * 32,
    "JWT_RESET_SECRET": "s" * 32,
    "SELENE_FIELD_KEY": KEY,
    "SELENE_ALLOWED_HOSTS": ".selene.example",
    "SELENE_PROXIES": "1",
}


@pytest.fixture
def check(tmp_path):
    """Return a function that runs ``check --deploy`` and returns its status and findings."""

    def check(**environment):
        command = [sys.executable, "manage.py", "check", "--deploy", "--tag", "operations"]
        inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = {k: v for k, v in environment.items() if v is not None}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=inherited | {"SELENE_DATA_DIR": str(tmp_path)} | environment,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    return check


def test_a_fleets_safe_settings_pass(check):
    status, output = check(**SAFE)

    assert status == 0
    assert "no issues" in output


def test_a_household_without_any_settings_passes(check):
    status, output = check()

    assert status == 0
    assert "no issues" in output


@pytest.mark.parametrize(
    ("change", "finding", "says"),
    [
        ({"JWT_RESET_SECRET": "short"}, "operations.E001", "JWT_RESET_SECRET is shorter than 32"),
        ({"DJANGO_SECRET_KEY": "short"}, "operations.E001", "DJANGO_SECRET_KEY is shorter than 32"),
        (
            {"JWT_RESET_SECRET": "a" * 32},
            "operations.E002",
            "JWT_RESET_SECRET is the same as another secret",
        ),
        (
            {"SELENE_WORKERS": "2"},
            "operations.E003",
            "SELENE_WORKERS is 2, but REDIS_URL is not set",
        ),
        ({"JWT_ACCESS_SECRET": None}, "operations.E004", "JWT_*_SECRET"),
        ({"SELENE_ALLOWED_HOSTS": None}, "operations.E005", "SELENE_ALLOWED_HOSTS allows any"),
        ({"SELENE_DEBUG": "true"}, "operations.E006", "SELENE_DEBUG is on"),
    ],
)
def test_unsafe_settings_are_errors_that_name_the_variable(check, change, finding, says):
    status, output = check(**(SAFE | change))

    assert status == 1
    assert finding in output
    assert says in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("change", "finding", "says"),
    [
        (
            {"ACCOUNT_BASE_URL": "http://selene.example"},
            "operations.W001",
            "the public name selene",
        ),
        ({"SELENE_PROXIES": "0"}, "operations.W002", "SELENE_PROXIES is 0"),
    ],
)
def test_doubtful_settings_are_warnings(check, change, finding, says):
    status, output = check(**(SAFE | change))

    assert status == 0
    assert finding in output
    assert says in output


@pytest.mark.parametrize(
    "url",
    ["http://192.168.1.20:8000", "http://selene.local", "http://localhost", "http://[fd00::1]"],
)
def test_plain_http_is_fine_at_home(check, url):
    status, output = check(ACCOUNT_BASE_URL=url)

    assert status == 0
    assert "no issues" in output


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"PORT": "eight"}, "Error: PORT: "),
        ({"SELENE_FIELD_KEY": f"{KEY},not-a-key"}, "Error: SELENE_FIELD_KEY: "),
        ({"SELENE_APIS": "device,shop"}, "Error: SELENE_APIS: shop not of sso, account, market, "),
    ],
)
def test_a_malformed_value_is_told_in_one_line_with_its_name(check, change, says):
    status, output = check(**change)

    assert status == 1
    assert output.startswith(says)
    assert output.count("\n") == 1


def test_no_finding_shows_a_secret(check):
    secret = "so-short"

    _, output = check(JWT_ACCESS_SECRET=secret, JWT_RESET_SECRET=secret)
    _, error = check(SELENE_FIELD_KEY="not-a-key")

    assert secret not in output
    assert "not-a-key" not in error
