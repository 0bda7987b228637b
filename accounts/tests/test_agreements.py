from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import agreements
from accounts.models import Acceptance, AccountActivity, Agreement, AgreementType
from accounts.tests.factories import make_agreement

PATHS = [("terms-of-use", "Terms of Use"), ("privacy-policy", "Privacy Policy")]


@pytest.fixture
def shipped_directory(settings):
    return settings.FIXTURES_DIR / "agreements"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("path", "kind"), PATHS)
def test_anybody_reads_an_agreement_as_html(api, path, kind):
    agreement = make_agreement(kind, content="# Title\n\nBe *kind*.")
    api.cookies["seleneAccess"] = "garbage"

    response = api.get(f"/api/agreement/{path}")

    assert response.status_code == 200
    assert response.json() == {
        "id": str(agreement.pk),
        "type": kind,
        "version": "1",
        "content": "<h1>Title</h1>\n<p>Be <em>kind</em>.</p>",
    }


@pytest.mark.usefixtures("db")
def test_the_version_in_force_today_is_shown(api):
    today = timezone.now().date()
    for version, days in ("old", -30), ("in force", -1), ("to come", 1):
        make_agreement(version=version, effective_on=today + timedelta(days=days))

    assert api.get("/api/agreement/terms-of-use").json()["version"] == "in force"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("path", ["open-dataset", "shoe-size", "Terms of Use", "terms-of-use"])
def test_an_agreement_that_is_not_there_is_not_found(api, path):
    make_agreement(AgreementType.PRIVACY_POLICY)
    make_agreement(effective_on=timezone.now().date() + timedelta(days=1))

    response = api.get(f"/api/agreement/{path}")

    assert (response.status_code, response.json()) == (404, {"error": "agreement not found"})


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("content", "harm"),
    [
        ("<script>alert(1)</script>Hello", "script"),
        ('<img src="x" onerror="alert(1)">Hello', "onerror"),
        ("[Hello](javascript:alert(1))", "javascript"),
    ],
)
def test_what_could_run_is_taken_out(api, content, harm):
    make_agreement(content=content)

    shown = api.get("/api/agreement/terms-of-use").json()["content"]

    assert "Hello" in shown
    assert harm not in shown


@pytest.mark.usefixtures("db")
def test_what_ships_is_in_force_from_the_day_it_is_loaded(shipped_directory):
    loaded = agreements.load_shipped(shipped_directory)
    again = agreements.load_shipped(shipped_directory)

    assert (loaded, again) == (3, 0)
    assert {agreements.in_force(type_).type for type_ in AgreementType} == {*AgreementType.values}


@pytest.mark.usefixtures("db")
def test_what_the_operator_published_stays(shipped_directory):
    own = make_agreement(version="ours")

    assert agreements.load_shipped(shipped_directory) == 2
    assert agreements.in_force(AgreementType.TERMS_OF_USE) == own


@pytest.mark.usefixtures("db")
def test_accepting_twice_is_one_acceptance(account):
    agreement = make_agreement()

    first, again = [agreements.accept(account, agreement) for _ in range(2)]

    assert (first, again) == (True, False)
    assert account.acceptances.get().accepted_on == timezone.now().date()


@pytest.mark.usefixtures("db")
def test_the_shipped_texts_name_no_company(shipped_directory):
    agreements.load_shipped(shipped_directory)

    for agreement in Agreement.objects.all():
        assert "mycroft" not in agreement.content.lower()
        assert "<h1>" in agreements.as_html(agreement)


@pytest.mark.usefixtures("db")
def test_a_new_version_ends_the_old_on_its_day(api, account, time_machine):
    old = make_agreement(version="1", effective_on=timezone.now().date() - timedelta(days=30))
    agreements.accept(account, old)
    tomorrow = timezone.now() + timedelta(days=1)

    new = agreements.publish(AgreementType.TERMS_OF_USE, "2", "# New", effective_on=tomorrow.date())

    assert agreements.in_force(AgreementType.TERMS_OF_USE) == old
    time_machine.move_to(tomorrow)
    assert agreements.in_force(AgreementType.TERMS_OF_USE) == new
    assert api.get("/api/agreement/terms-of-use").json()["version"] == "2"
    assert [each.agreement for each in agreements.accepted(account)] == [old]


@pytest.mark.usefixtures("db")
def test_a_version_is_in_force_at_once_if_no_day_is_named():
    make_agreement(effective_on=timezone.now().date() - timedelta(days=1))

    new = agreements.publish(AgreementType.TERMS_OF_USE, "2", "# New")

    assert agreements.in_force(AgreementType.TERMS_OF_USE) == new


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("version", "days", "error"),
    [
        ("1", 1, agreements.VersionTaken),
        ("2", 0, agreements.DayTaken),
        ("2", -1, agreements.DayPassed),
    ],
)
def test_what_was_published_is_not_published_over(version, days, error):
    published = make_agreement(version="1")
    day = timezone.now().date() + timedelta(days=days)

    with pytest.raises(error):
        agreements.publish(AgreementType.TERMS_OF_USE, version, "# New", effective_on=day)

    assert Agreement.objects.get() == published


def test_a_new_version_of_the_open_dataset_is_accepted_beside_the_old(account, account_client):
    old = make_agreement(
        AgreementType.OPEN_DATASET, effective_on=timezone.now().date() - timedelta(days=1)
    )
    account_client.patch("/api/account", {"openDataset": True})
    Acceptance.objects.update(agreement=old)
    new = agreements.publish(AgreementType.OPEN_DATASET, "2", "# New")

    account_client.patch("/api/account", {"openDataset": True})

    assert {each.agreement for each in account.acceptances.all()} == {old, new}
    [shown] = account_client.get("/api/account").json()["agreements"]
    assert shown["id"] == str(account.acceptances.get(agreement=new).pk)
    assert AccountActivity.objects.get().open_dataset_added == 1


def test_leaving_the_open_dataset_takes_back_every_version(account, account_client):
    day = timezone.now().date() - timedelta(days=1)
    agreements.accept(account, make_agreement(AgreementType.OPEN_DATASET, effective_on=day))
    agreements.accept(account, agreements.publish(AgreementType.OPEN_DATASET, "2", "# New"))

    account_client.patch("/api/account", {"openDataset": False})

    assert not account.acceptances.exists()
    assert AccountActivity.objects.get().open_dataset_deleted == 1


def test_the_devices_of_who_joins_or_leaves_are_told_at_once(account_client, device, device_client):
    make_agreement(AgreementType.OPEN_DATASET)
    path = f"/v1/device/{device.pk}/setting"
    answers = []

    for answer in (True, False):
        held = device_client.get(path)["ETag"]
        account_client.patch("/api/account", {"openDataset": answer})
        answers.append(device_client.get(path, headers={"If-None-Match": held}))

    assert [each.status_code for each in answers] == [200, 200]
    assert [each.json()["optIn"] for each in answers] == [True, False]


def test_the_samples_of_who_leaves_are_marked(account, account_client, device):
    make_agreement(AgreementType.OPEN_DATASET)
    account_client.patch("/api/account", {"openDataset": True})
    sample = account.wake_word_samples.create(
        wake_word=device.wake_word, digest="a" * 64, recorded_at=timezone.now()
    )

    account_client.patch("/api/account", {"openDataset": False})

    sample.refresh_from_db()
    assert sample.status == "pending_delete"
