"""What a start finds and leaves in the database; test_serve.py does the same to real processes."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as project_settings

from accounts.models import Account, Agreement, Membership
from accounts.tests.factories import make_account
from devices.models import Voice, WakeWord
from market.models import CatalogueEntry
from operations import jobs, staged_files, startup
from operations.models import JobRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def fixtures(settings, tmp_path):
    """What ships, in a copy that a test may change; without places, which take seconds."""
    ignore = shutil.ignore_patterns("geonames")
    settings.FIXTURES_DIR = shutil.copytree(
        project_settings.FIXTURES_DIR, tmp_path / "fixtures", ignore=ignore
    )
    return settings.FIXTURES_DIR


@pytest.fixture
def prepare(fixtures):
    """Return a function that starts, and returns what was said."""

    def prepare():
        said = []
        startup.prepare(said.append)
        return said

    return prepare


def ship_another_catalogue(fixtures, core_version="21.02"):
    path = fixtures / "skills" / f"skill-metadata-{core_version}.json"
    entry = {"skill_gid": "mycroft-moon|21.02", "title": "Moon"}
    path.write_text(json.dumps({"mycroft-moon": entry}))


def gids():
    return set(CatalogueEntry.objects.values_list("skill__skill_gid", flat=True))


def test_the_first_start_loads_what_ships_and_makes_the_owner(prepare):
    said = prepare()

    assert said[:2] == ["Loading agreements, voices and wake words", "Loading the skill catalogue"]
    assert Agreement.objects.in_force().count() == 3
    assert Membership.objects.count() == 2
    assert Voice.objects.filter(display_name="British Male").exists()
    assert WakeWord.objects.filter(name="hey mycroft").exists()
    assert set(CatalogueEntry.objects.values_list("core_version", flat=True)) == {"21.02"}
    owner = Account.objects.get()
    password = said[2].splitlines()[-1].strip()
    assert owner.check_password(password)
    assert owner.is_staff
    assert owner.is_superuser
    assert owner.email_proven_at is not None


def test_a_second_start_says_and_writes_nothing(prepare):
    prepare()
    runs = list(JobRun.objects.values_list("pk", "ended_at"))

    said = prepare()

    assert said == []
    assert list(JobRun.objects.values_list("pk", "ended_at")) == runs


def test_what_a_restore_that_was_killed_has_left_is_cleared_up(prepare, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    left = settings.DATA_DIR / "restoring" / "ab12" / "secrets.env"
    left.parent.mkdir(parents=True)
    left.touch()

    prepare()

    assert list(settings.DATA_DIR.iterdir()) == []


def test_a_start_waits_for_a_restore_that_goes_on():
    said = []
    with ThreadPoolExecutor() as pool:
        with staged_files.alone():
            start = pool.submit(wait_for_restore, said)
            while not said:
                time.sleep(0.01)
            assert not start.done()
        start.result(timeout=10)

    assert said == ["waits", "goes on"]


def wait_for_restore(said):
    with staged_files.alone(lambda: said.append("waits")):
        said.append("goes on")


def test_each_step_is_recorded_as_a_job_run(prepare):
    prepare()

    runs = JobRun.objects.filter(succeeded=True).values_list("name", flat=True)
    assert set(runs) == {"migrate", "load_basics", "load_skills"}


def test_a_new_version_that_ships_other_data_loads_it(prepare, fixtures):
    prepare()
    ship_another_catalogue(fixtures)

    said = prepare()

    assert said == ["Loading the skill catalogue"]
    assert gids() == {"mycroft-moon|21.02"}


def test_what_an_operator_or_the_daily_job_loaded_is_not_replaced_by_what_ships(prepare, fixtures):
    prepare()
    before = gids()
    with jobs.record("load_skills") as run:
        run.output = "core 21.02: fresh from GitHub"
    ship_another_catalogue(fixtures)

    said = prepare()

    assert said == []
    assert gids() == before


def test_a_load_that_failed_is_tried_again_at_the_next_start(prepare, fixtures):
    broken = fixtures / "skills" / "skill-metadata-21.02.json"
    text = broken.read_text()
    broken.write_text("{")
    with pytest.raises(Exception, match="not valid JSON"):
        prepare()
    broken.write_text(text)

    said = prepare()

    assert said[1] == "Loading the skill catalogue"
    assert CatalogueEntry.objects.exists()


def test_the_configured_core_versions_catalogue_is_loaded_if_it_ships(prepare, settings):
    settings.CORE_VERSION = "20.08"

    prepare()

    assert set(CatalogueEntry.objects.values_list("core_version", flat=True)) == {"20.08"}


def test_no_owner_is_made_where_somebody_administers_the_server(prepare):
    Account.objects.create_superuser("admin@example.com", "a password of somebody")

    said = prepare()

    assert len(said) == 2
    assert Account.objects.count() == 1


def test_whoever_signed_up_with_the_owners_address_does_not_become_the_owner(prepare, settings):
    settings.OWNER_EMAIL = "me@example.com"
    somebody = make_account(email="Me@example.com")

    said = prepare()

    somebody.refresh_from_db()
    assert not somebody.is_superuser
    assert said[-1] == ("No owner: me@example.com has an account. Set another SELENE_OWNER_EMAIL.")
