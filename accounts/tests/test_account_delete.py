from functools import partial

import pytest
from django.apps import apps
from django.utils import timezone

from accounts import agreements
from accounts.models import Account, AccountActivity, AgreementType, SignInSession
from accounts.tests.factories import make_account, make_agreement, make_subscription
from accounts.tests.threads import at_once
from conftest import sign_in


def counts(*names):
    """Return today's counts by name."""
    return AccountActivity.objects.values(*names).get()


def test_an_account_goes_with_all_that_belongs_to_it(account, account_client):
    make_account()
    agreements.accept(account, make_agreement())
    make_subscription(account)

    response = account_client.delete("/api/account")

    assert (response.status_code, response.content) == (204, b"")
    assert not Account.objects.filter(pk=account.pk).exists()
    assert not SignInSession.objects.exists()
    assert Account.objects.count() == 1


def test_the_browser_forgets_its_cookies(account_client):
    response = account_client.delete("/api/account")

    assert {name: cookie["max-age"] for name, cookie in response.cookies.items()} == {
        "seleneAccess": 0,
        "seleneRefresh": 0,
        "seleneRefreshPresent": 0,
    }


def test_other_browsers_are_signed_out(account, account_client):
    other = sign_in(account)

    account_client.delete("/api/account")

    response = other.get("/api/account")
    assert (response.status_code, response.json()) == (401, {"error": "session has ended"})


def test_its_devices_are_cut_off(account_client, device, device_client):
    before = device_client.get(f"/v1/device/{device.pk}").status_code

    account_client.delete("/api/account")

    after = device_client.get(f"/v1/device/{device.pk}").status_code
    assert (before, after) == (200, 401)


def test_its_wake_word_samples_are_marked_for_deletion(account, account_client, device):
    samples = apps.get_model("devices", "WakeWordSample").objects
    for digest, owner in ("a" * 64, account), ("b" * 64, make_account()):
        samples.create(
            wake_word=device.wake_word, account=owner, digest=digest, recorded_at=timezone.now()
        )

    account_client.delete("/api/account")

    left = samples.order_by("digest").values_list("status", flat=True)
    assert list(left) == ["pending_delete", "stored"]


def test_a_member_who_goes_is_counted(account, account_client):
    make_account()
    agreements.accept(account, make_agreement(AgreementType.OPEN_DATASET))
    make_subscription(account)

    account_client.delete("/api/account")

    deleted = ("accounts_deleted", "members_expired", "open_dataset_deleted")
    assert counts(*deleted) == dict.fromkeys(deleted, 1)
    totals = {"accounts": 1, "members": 0, "open_dataset": 0}
    assert counts(*totals) == totals


@pytest.mark.usefixtures("db")
def test_nobody_deletes_nothing(api):
    make_account()

    response = api.delete("/api/account")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}
    assert Account.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_delete_an_account_once():
    account = make_account()
    clients = [sign_in(account) for _ in range(3)]

    answers = at_once(*[partial(client.delete, "/api/account") for client in clients])

    assert {answer.status_code for answer in answers} <= {204, 401}
    assert not Account.objects.exists()
    assert counts("accounts", "accounts_deleted") == {"accounts": 0, "accounts_deleted": 1}
