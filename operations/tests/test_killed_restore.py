"""Restores that are killed, and archives of an earlier version."""

import json
import os
from contextlib import closing

import pytest

from accounts.models import Account
from accounts.tests.factories import make_account
from operations import staged_files
from operations.models import JobRun, Lease
from operations.tests import killing
from operations.tests.killing import DONE, KILLED, command
from operations.tests.processes import run_folder
from tools.live import LiveServer, prepared

IS_FLEET = os.environ["SELENE_TEST_SHAPE"] == "fleet"
SOUND = "wake-words/ab/ab12"
BEFORE, ARCHIVED = (["before@example.com"], "before", True), (["new@example.com"], "new", False)


@pytest.fixture
def folder(settings, tmp_path):
    """The data folder of an installation whose secrets are in it."""
    settings.DATA_DIR, settings.SECRETS_FROM_FILE = tmp_path / "data", True
    (settings.DATA_DIR / SOUND).parent.mkdir(parents=True)
    return settings.DATA_DIR


@pytest.fixture
def restore(folder, tmp_path):
    """The command that replaces what there is by an archive."""
    become("new", folder)
    archive = tmp_path / "new.zip"
    assert killing.run(command("backup", archive)) == DONE
    become("before", folder)
    return command("restore", archive, "--force")


def become(name, folder):
    """Have one account, one file and secrets of their own."""
    Account.objects.all().delete()
    make_account(f"{name}@example.com")
    (folder / SOUND).write_text(name)
    (folder / "secrets.env").write_text("before")


def look(folder):
    """Return the rows, the file, and whether the secrets are those of before."""
    emails = list(Account.objects.values_list("email", flat=True))
    are_old = (folder / "secrets.env").read_text() == "before"
    return emails, (folder / SOUND).read_text(), are_old


def files(folder):
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_step_all_is_as_before_or_as_in_the_archive_after_the_next_start(
    restore, folder
):
    seen = []

    for step in killing.steps():
        become("before", folder)
        outcome = killing.run(restore, step)
        if outcome != KILLED:
            break
        staged_files.settle()
        seen.append(look(folder))
        assert files(folder) == ["ab", "ab12", "secrets.env", "wake-words"]

    committed = seen.index(ARCHIVED)
    assert seen == [BEFORE] * committed + [ARCHIVED] * (len(seen) - committed)
    assert 0 < committed < len(seen)
    assert outcome == DONE
    assert look(folder) == ARCHIVED
    assert not Lease.objects.filter(name=Lease.RESTORE).exists()


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_step_a_second_restore_does_it_all(restore, folder):
    for step in killing.steps():
        outcome = killing.run(restore, step)
        if outcome != KILLED:
            break

    assert outcome == DONE
    assert look(folder) == ARCHIVED
    assert files(folder) == ["ab", "ab12", "secrets.env", "wake-words"]
    assert set(JobRun.objects.values_list("name", "succeeded")) == {("restore", True)}


EARLIER = [("market", "0003"), ("devices", "0003"), ("accounts", "0004")]
MAKE_EARLIER = f"""
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from devices.tests.factories import make_device
from operations import backup

make_device(name="Kitchen")
for app, name in {EARLIER}:
    call_command("migrate", app, name, verbosity=0)
loader = MigrationLoader(connection)
ours = [node for node in loader.graph.nodes if node in loader.applied_migrations]
backup.current_apps = loader.project_state(ours).apps
fields = dict(name="Spotify", client_id="a", encrypted_client_secret="b")
backup.current_apps.get_model("market.OAuthCredential").objects.create(
    authorization_uri="https://a.test", token_uri="https://b.test", **fields
)
with open("earlier.zip", "wb") as file:
    backup.save(file)
"""
RESTORE = """
import json
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from operations.tests import killing

def kill_and_repeat(work, steps):
    for deaths, step in enumerate(steps):
        outcome = killing.run(work, step)
        if outcome != killing.KILLED:
            return outcome, deaths

restore = killing.command("restore", "earlier.zip", "--force")
restored = kill_and_repeat(restore, (20, 45, 0))
call_command("migrate", "market", "0002", verbosity=0)
migrated = kill_and_repeat(killing.command("migrate", "--verbosity=0"), (1, 2, 3, 4, 0))

from devices.models import Device
from market.models import OAuthCredential
executor = MigrationExecutor(connection)
print(json.dumps({
    "restored": restored,
    "migrated": migrated,
    "plan": len(executor.migration_plan(executor.loader.graph.leaf_nodes())),
    "names": list(Device.objects.values_list("name", flat=True)),
    "credentials": list(OAuthCredential.objects.values_list("name", "client_authentication")),
}))
"""


def new_installation(template=""):
    return closing(LiveServer(run_folder(), is_fleet=IS_FLEET, template=template))


def ask(server, code, archive):
    code = code.replace('"earlier.zip"', repr(str(archive)))
    return server.manage("shell", "-v0", "--no-imports", "-c", code)


def test_an_archive_of_an_earlier_version_is_restored_and_brought_up_to_date_though_killed():
    template = prepared(run_folder(), is_fleet=IS_FLEET)
    with new_installation(template) as earlier, new_installation() as now:
        archive = now.data_dir / "earlier.zip"
        ask(earlier, MAKE_EARLIER, archive)

        said = ask(now, RESTORE, archive)

    told = json.loads(said.splitlines()[-1])
    assert (told["restored"], told["migrated"]) == ([DONE, 2], [DONE, 4])
    assert told["plan"] == 0
    assert told["names"] == ["Kitchen"]
    assert told["credentials"] == [["Spotify", "header"]]
