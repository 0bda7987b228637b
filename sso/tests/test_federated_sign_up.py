from functools import partial

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.models import Account, AccountActivity, AgreementType
from accounts.tests.factories import make_account, make_agreement
from accounts.tests.threads import at_once
from sso.tests.platforms import ALL, EMAIL, PROVIDERS, SUBJECT, TOKEN, configure

pytestmark = pytest.mark.django_db


def sign_up(api, platform, token=TOKEN):
    """Send what Selene UI does."""
    login = {"federatedPlatform": platform, "federatedToken": token}
    unused = {"email": None, "password": None}
    body = {"termsOfUse": True, "privacyPolicy": True, "login": login | unused}
    return api.post("/api/account", body)


def refusal(reason):
    return {"login": {"federatedToken": [reason]}}


@pytest.mark.parametrize("platform", ALL)
def test_a_person_signs_up_and_in(api, platforms, platform):
    platforms.know(platform)

    response = sign_up(api, platform)

    assert (response.status_code, response.json()) == (200, "Account added successfully")
    account = Account.objects.get()
    assert (account.email, account.username, account.is_staff) == (EMAIL, None, False)
    assert not account.has_usable_password()
    assert account.email_proven_at is not None
    link = UserSocialAuth.objects.get()
    assert (link.user, link.provider, link.uid) == (account, PROVIDERS[platform], SUBJECT)
    assert link.extra_data == {}
    login = api.post("/api/validate-federated", {"platform": platform, "token": TOKEN})
    assert login.status_code == 204


def test_the_versions_in_force_are_accepted_and_the_day_counts_the_account(api, platforms):
    in_force = {make_agreement(), make_agreement(AgreementType.PRIVACY_POLICY)}
    make_agreement(AgreementType.OPEN_DATASET)
    make_account()
    platforms.know("Google")

    sign_up(api, "Google")

    account = Account.objects.get(email=EMAIL)
    assert {each.agreement for each in account.acceptances.all()} == in_force
    day = AccountActivity.objects.get()
    assert (day.day, day.accounts, day.accounts_added) == (timezone.now().date(), 2, 1)


@pytest.mark.parametrize("platform", ALL)
def test_an_address_in_use_is_refused(api, platforms, platform):
    make_account(EMAIL.upper())
    platforms.know(platform)

    response = sign_up(api, platform)

    assert response.status_code == 400
    assert response.json() == refusal("an account with this address exists")
    assert Account.objects.count() == 1
    assert not UserSocialAuth.objects.exists()


def test_a_person_has_one_account_whatever_the_address(api, platforms):
    make_account("old@example.com").social_auth.create(provider="google", uid=SUBJECT)
    platforms.know("Google")

    response = sign_up(api, "Google")

    assert response.status_code == 400
    assert response.json() == refusal("an account with this address exists")
    assert Account.objects.count() == 1
    assert not AccountActivity.objects.exists()


@pytest.mark.parametrize("platform", ALL)
@pytest.mark.parametrize("person", [{"verified": False}, {"email": None}, {"email": "no address"}])
def test_without_a_verified_address_there_is_no_account(api, platforms, platform, person):
    platforms.know(platform, **person)

    response = sign_up(api, platform)

    assert response.status_code == 400
    assert response.json() == refusal(f"{platform} gives no verified address")
    assert not Account.objects.exists()


@pytest.mark.parametrize("platform", ALL)
def test_a_token_of_another_app_is_refused(api, platforms, platform):
    platforms.know(platform, app="another-app")

    response = sign_up(api, platform)

    assert response.status_code == 400
    assert response.json() == refusal("token was issued to another app")
    assert not Account.objects.exists()


def test_what_is_no_token_is_refused(api, platforms):
    response = sign_up(api, "Google", token="a b")

    assert (response.status_code, response.json()) == (400, refusal("not a token"))


def test_a_bad_day_of_the_platform_is_told(api, settings, bad_upstream):
    configure(settings, bad_upstream.url)

    response = sign_up(api, "Google")

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"Google {words}"}
    assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_sign_ups_at_once_one_makes_the_account(api, platforms):
    platforms.know("Google")

    answers = at_once(*[partial(sign_up, api, "Google")] * 3)

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert Account.objects.count() == UserSocialAuth.objects.count() == 1
    assert AccountActivity.objects.get().accounts_added == 1
