import io
import json
import os
import stat
import subprocess
import sys
import zipfile

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import encryption
from accounts.models import Account
from accounts.tests.factories import PASSWORD, make_account
from accounts.tests.threads import at_once
from devices.models import CoreMetric, Device, DeviceToken
from devices.tests.factories import make_device, make_token
from market.tests.factories import install, text
from operations import backup
from operations.models import JobRun
from tools.live import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

ODD = 'tab\t, line\n, return\r, \\N, quote ", \u00e4\U0001f600'


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


@pytest.fixture
def device():
    """A device with all that is hard to carry over."""
    device = make_device(make_account("ada@example.com"), name=ODD[:50])
    value = {"number": 12345678901234567890123, "decimal": 0.1, "text": ODD, "none": None}
    CoreMetric.objects.create(device=device, name="odd", value=value)
    make_token(device)
    install(device, "mycroft-timer|21.02", text("user"), user=ODD)
    return device


def save():
    file = io.BytesIO()
    backup.save(file)
    return file


def rows(file, *, but=("operations.jobrun", "operations.lease")):
    """Return all rows of an archive, by table; JSON as what it says, however it is written."""
    with zipfile.ZipFile(file) as archive:
        tables = json.loads(archive.read("manifest.json"))["tables"]
        return {
            table["model"]: sorted(
                json.dumps(parsed(table, json.loads(line)), sort_keys=True)
                for line in archive.read(f"tables/{table['model']}.jsonl").splitlines()
            )
            for table in tables
            if table["model"] not in but
        }


def parsed(table, values):
    fields = [apps.get_model(table["model"])._meta.get_field(name) for name in table["fields"]]
    return [
        json.loads(value) if each.get_internal_type() == "JSONField" and value else value
        for each, value in zip(fields, values, strict=True)
    ]


def with_part(file, name, content):
    """Return the archive with another ``content`` of one part."""
    changed = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for each in old.namelist():
            new.writestr(each, content if each == name else old.read(each))
        if name not in old.namelist():
            new.writestr(name, content)
    return changed


def test_what_was_saved_is_there_again_after_a_restore(device, data_dir):
    (data_dir / "wake-words").mkdir()
    (data_dir / "wake-words/ab12").write_bytes(b"a sound")
    archive = save()
    before = rows(archive)
    Account.objects.all().delete()
    make_account("eve@example.com")
    (data_dir / "wake-words/ab12").unlink()

    backup.restore(archive, force=True)

    assert rows(save()) == before
    assert Account.objects.get().check_password(PASSWORD)
    assert (data_dir / "wake-words/ab12").read_bytes() == b"a sound"
    assert stat.S_IMODE((data_dir / "wake-words/ab12").stat().st_mode) == 0o600


def test_what_comes_after_a_restore_gets_numbers_of_its_own(device):
    archive = save()
    backup.restore(archive, force=True)

    make_token(Device.objects.get())

    assert DeviceToken.objects.count() == 2


def test_accounts_are_not_replaced_without_force(device):
    archive = save()
    make_account("eve@example.com")

    with pytest.raises(backup.Refused, match="the database has accounts; --force replaces them"):
        backup.restore(archive)

    assert Account.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("tables/accounts.account.jsonl", b"[]\n", "is damaged: tables/accounts.account.jsonl"),
        ("files/../../evil", b"", "its parts are not those that it lists"),
        ("manifest.json", b"{}", "made by a later version"),
        ("manifest.json", b"{", "a damaged one"),
    ],
)
def test_a_damaged_archive_changes_nothing(device, name, content, reason):
    before = rows(archive := save())

    with pytest.raises(backup.Refused, match=reason):
        backup.restore(with_part(archive, name, content), force=True)

    assert rows(save()) == before


@pytest.mark.parametrize("content", [b"", b"not a zip file", None])
def test_a_file_that_is_no_archive_is_refused(device, content):
    cut_off = save().getvalue()[:-100] if content is None else content

    with pytest.raises(backup.Refused, match="no archive, or a damaged one"):
        backup.restore(io.BytesIO(cut_off), force=True)

    assert Account.objects.count() == 1


def test_a_file_for_outside_the_data_folder_is_refused(device):
    archive = save()
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))
    manifest["sha256"]["files/../evil"] = manifest["sha256"]["secrets.env"]
    with zipfile.ZipFile(archive) as opened:
        secrets = opened.read("secrets.env")
    evil = with_part(
        with_part(archive, "files/../evil", secrets), "manifest.json", json.dumps(manifest)
    )

    with pytest.raises(backup.Refused, match="not for the data folder"):
        backup.restore(evil, force=True)


def test_a_restore_that_fails_halfway_leaves_all_as_it_was(device):
    archive = save()
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))
    [table] = [each for each in manifest["tables"] if each["model"] == "operations.jobrun"]
    table["rows"] += 1  # found out when most tables are loaded
    make_account("eve@example.com")

    with pytest.raises(backup.Refused, match="damaged: operations.jobrun"):
        backup.restore(with_part(archive, "manifest.json", json.dumps(manifest)), force=True)

    assert Account.objects.count() == 2


def test_an_archive_of_a_later_version_is_refused(device):
    archive = save()
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))
    manifest["migrations"].append(["accounts", "9999_from_the_future"])

    with pytest.raises(backup.Refused, match="made by a later version of this program"):
        backup.restore(with_part(archive, "manifest.json", json.dumps(manifest)), force=True)


def test_others_write_while_a_backup_reads(device):
    def write():
        for number in range(20):
            make_account(f"person{number}@example.com")

    archive, _ = at_once(save, write)

    restored = rows(archive)
    assert len(restored["accounts.account"]) <= 21
    assert Account.objects.count() == 21


def test_what_redis_or_the_process_remembers_is_forgotten(device):
    archive = save()
    cache.set("anything", 1)

    backup.restore(archive, force=True)

    assert cache.get("anything") is None


def test_secrets_are_in_the_archive_and_in_place_after_a_restore(device, settings):
    settings.SECRETS_FROM_FILE = True
    secret = encryption.encrypt("a password of a skill")
    archive = save()

    backup.restore(archive, force=True)

    path = settings.DATA_DIR / "secrets.env"
    kept = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings.FIELD_KEYS = kept["SELENE_FIELD_KEY"].split(",")
    assert encryption.decrypt(secret) == "a password of a skill"
    assert kept["DJANGO_SECRET_KEY"] == settings.SECRET_KEY


def test_secrets_that_the_environment_sets_otherwise_are_told(device, settings):
    settings.SECRETS_FROM_FILE = False
    archive = save()
    settings.JWT_RESET_SECRET = "another"

    warnings = backup.restore(archive, force=True).warnings

    assert warnings == ["JWT_RESET_SECRET is not that of the archive's installation"]


def test_the_commands_say_how_much_it_was(device, tmp_path, capsys):
    path = tmp_path / "selene.zip"
    for _ in range(2):
        call_command("backup", str(path))

    call_command("restore", str(path), "--force")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []
    [first, second, restored] = capsys.readouterr().out.splitlines()
    assert first.endswith(" bytes")
    assert restored == f"{second.partition(' in ')[0]} from {path}"
    assert list(JobRun.objects.values_list("name", "succeeded").order_by("name")) == [
        ("backup", True),
        ("restore", True),
    ]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("restore", str(tmp_path / "none.zip"))
    with pytest.raises(CommandError, match="No such file"):
        call_command("backup", str(tmp_path / "none" / "selene.zip"))


MAKE_HOUSEHOLD = """
from django.core.management import call_command
from devices.tests.factories import make_device
from geography.tests.factories import make_city, make_timezone
from market.tests.factories import install, text

call_command("migrate", verbosity=0)
device = make_device(name="K\u00fcche", city=make_city(), timezone=make_timezone())
install(device, "mycroft-timer|21.02", text("user"), user="a\\tb", big=12345678901234567890123)
call_command("backup", "there.zip")
"""
TAKE_BACK = """
from django.core.management import call_command
from accounts.models import Account

Account.objects.all().delete()
call_command("restore", "fleet.zip")
call_command("backup", "back.zip")
"""


@pytest.mark.fleet
def test_a_households_archive_goes_into_a_fleet_and_back(tmp_path):
    def run_in_household(code):
        inherited = ("DATABASE_URL", "REDIS_URL", "SELENE_DATA_DIR")
        environment = {name: value for name, value in os.environ.items() if name not in inherited}
        environment |= {"SELENE_DATA_DIR": str(tmp_path / "household"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "--no-imports"]
        subprocess.run(
            [*command, "-c", code],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            timeout=120,
        )

    run_in_household(MAKE_HOUSEHOLD)
    there = rows(tmp_path / "there.zip")
    with (tmp_path / "there.zip").open("rb") as file:
        backup.restore(file)
    assert connection.vendor == "postgresql"
    assert len(there["devices.device"]) == 1
    assert rows(save()) == there

    call_command("backup", str(tmp_path / "fleet.zip"))
    run_in_household(TAKE_BACK)
    assert rows(tmp_path / "back.zip") == there
