import io
import json
import stat
import zipfile

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from accounts import mail, sessions
from accounts.models import Account, SignInSession
from accounts.tests.factories import make_account, make_membership, make_subscription
from devices import samples
from devices.models import CoreMetric, Device, WakeWordSample
from devices.tests.factories import make_device, make_token, make_wake_word
from market.tests.factories import install
from operations import personal_data
from operations.models import JobRun

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"


@pytest.fixture
def account():
    """An account that has used much, beside one of somebody else."""
    account = make_account(EMAIL)
    for owner in (account, make_account("eve@example.com")):
        device = make_device(owner, name=f"Kitchen of {owner.email}")
        CoreMetric.objects.create(device=device, name="timing", value={"of": owner.email})
        make_token(device)
        sessions.start(owner)
    install(Device.objects.get(account=account), "mycroft-timer|21.02")
    make_subscription(account, make_membership())
    mail.send("password_changed", EMAIL)
    return account


def read(account):
    file = io.BytesIO()
    personal_data.write(account, file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_archive_has_the_rows_of_the_account_and_of_its_devices(account):
    members = read(account)

    rows = {name: json.loads(text) for name, text in members.items() if name.endswith(".json")}
    assert [row["email"] for row in rows["account.json"]] == [EMAIL]
    assert [row["name"] for row in rows["device.json"]] == [f"Kitchen of {EMAIL}"]
    assert [row["value"] for row in rows["coremetric.json"]] == [{"of": EMAIL}]
    assert [row["skill"] for row in rows["deviceskill.json"]] == ["mycroft-timer|21.02"]
    assert len(rows["subscription.json"]) == len(rows["signinsession.json"]) == 1
    assert [row["template"] for row in rows["outgoingmail.json"]] == ["password_changed"]
    assert EMAIL in members["README.txt"].decode()


def test_the_archive_has_nothing_of_others_and_no_secrets(account):
    members = b"".join(read(account).values())

    session = SignInSession.objects.get(account=account)
    token = Device.objects.get(account=account).tokens.get()
    assert b"eve@example.com" not in members
    for secret in (account.password, session.refresh_digest, token.access_digest):
        assert secret.encode() not in members


def test_every_kind_of_row_that_refers_to_an_account_or_a_device_is_there(account):
    members = read(account)

    ours = [model for model in apps.get_models() if model._meta.app_label in personal_data.APPS]
    expected = {
        f"{model._meta.model_name}.json"
        for model in ours
        if any(field.related_model in (Account, Device) for field in model._meta.fields)
    }
    assert expected - {"pairingsession.json"} <= set(members)
    assert "pairingsession.json" in members


def test_recordings_are_in_the_archive(account, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    digest = "ab" * 32
    WakeWordSample.objects.create(
        wake_word=make_wake_word(),
        account=account,
        digest=digest,
        recorded_at=account.created_at,
    )
    samples.path(digest).parent.mkdir(parents=True)
    samples.path(digest).write_bytes(b"a sound")

    assert read(account)[f"wake-words/{digest}"] == b"a sound"


def test_the_command_writes_a_file_that_only_its_writer_can_read(account, tmp_path, capsys):
    path = tmp_path / "ada.zip"

    for _ in range(2):
        call_command("export_account", "ADA@example.com", "--to", str(path))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["ada.zip"]
    assert f"rows of account {account.pk} in {path}\n" in capsys.readouterr().out
    assert not any(EMAIL in run.output for run in JobRun.objects.all())


@pytest.mark.parametrize("command", ["export_account", "delete_account"])
def test_an_address_without_an_account_is_told(command):
    with pytest.raises(CommandError, match="no account has this address"):
        call_command(command, "nobody@example.com")


def test_a_folder_that_is_not_there_is_told(account, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("export_account", EMAIL, "--to", str(tmp_path / "no" / "ada.zip"))


def test_an_account_is_deleted_with_its_devices(account, capsys):
    call_command("delete_account", EMAIL, "--yes")

    assert list(Account.objects.values_list("email", flat=True)) == ["eve@example.com"]
    assert Device.objects.count() == 1
    assert capsys.readouterr().out == f"account {account.pk} and its 1 devices deleted\n"
    with pytest.raises(CommandError, match="no account has this address"):
        call_command("delete_account", EMAIL, "--yes")


def test_nothing_is_deleted_without_the_address_typed_again(account, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))

    with pytest.raises(CommandError, match="nothing was deleted"):
        call_command("delete_account", EMAIL)

    assert Account.objects.filter(email=EMAIL).exists()
