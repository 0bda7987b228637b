"""Gives a test run its own services and a clean environment, before the settings are read.

A plugin that pytest loads early (``-p tools.test_services``). ``SELENE_TEST_SHAPE`` chooses:
``household`` (SQLite, no Redis) or ``fleet`` (PostgreSQL and Redis, started here). With
pytest-xdist the controlling process starts the services; each worker has its own databases in them.
"""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

SHAPES = ("household", "fleet")
RUN_FOLDER = "SELENE_TEST_RUN_FOLDER"
# What the settings and the services read, by name or by how the name begins
OURS = (
    *("ACCOUNT_BASE_URL", "DATABASE_URL", "DB_", "DJANGO_", "EMAIL_", "FACEBOOK_", "GITHUB_"),
    *("GOOGLE_", "GUNICORN_", "JWT_", "OAUTH_BASE_URL", "OWM_", "PANTACOR_", "PG", "PORT"),
    *("REDIS_", "REPORT_RECIPIENT", "SALT", "SELENE_", "SENDGRID_", "SSO_BASE_URL", "STRIPE_"),
    *("URL_VOICE_", "WEB_CONCURRENCY", "WOLFRAM_ALPHA_"),
)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """Set the environment up; pytest-django reads the settings right after."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _forget_environment()
        _start_services(early_config)
    _make_worker_environment(worker)
    return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fail-on-skip",
        action="store_true",
        help="Fail the run if a test was skipped, unless it only lacks SELENE_TEST_DATA.",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which a test was skipped, if asked to."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.config.getoption("--fail-on-skip"):
        reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
        if not all(map(_is_excused, reasons)):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def _is_excused(reason: str) -> bool:
    """Tell whether a test was skipped for want of data that this machine does not have."""
    return "SELENE_TEST_DATA" in reason and "SELENE_TEST_DATA" not in os.environ


def _forget_environment() -> None:
    """Drop every variable that could make the developer's machine show in the tests."""
    for name in list(os.environ):
        if name.startswith(OURS) and not name.startswith("SELENE_TEST_"):
            del os.environ[name]
    os.environ["DJANGO_SETTINGS_MODULE"] = "selene_project.settings"
    # One login per second is not what the other tests are about.
    os.environ["SELENE_THROTTLE_SCALE"] = "1000"


def _start_services(config: pytest.Config) -> None:
    shape = os.environ.setdefault("SELENE_TEST_SHAPE", "household")
    if shape not in SHAPES:
        raise pytest.UsageError(f"SELENE_TEST_SHAPE: {shape!r} is not one of {', '.join(SHAPES)}")
    from tools import services

    run = services.RunFolder()
    config.add_cleanup(run.close)
    os.environ[RUN_FOLDER] = str(run.path)
    if shape == "fleet":
        postgresql = services.PostgreSQL(run.path, run.path / "postgresql")
        os.environ["DATABASE_URL"] = postgresql.url()
        os.environ["REDIS_URL"] = services.Redis(run.path, run.path / "redis").url()


def _make_worker_environment(worker: str | None) -> None:
    """Give this process a data folder and a Redis database that no other process has."""
    folder = Path(os.environ[RUN_FOLDER])
    data_dir = Path(tempfile.mkdtemp(prefix=f"{worker or 'main'}-", dir=folder))
    os.environ["SELENE_DATA_DIR"] = str(data_dir)
    if worker and "REDIS_URL" in os.environ:
        number = int(worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("db=0", f"db={number}")
