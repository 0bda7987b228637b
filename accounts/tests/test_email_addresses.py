import pytest

from accounts import email_addresses
from accounts.models import Account
from accounts.tests.factories import make_account


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" ada@example.com ", "ada@example.com"),
        ("Ada@EXAMPLE.com", "Ada@example.com"),
        ("zoe\u0308@example.com", "zo\u00eb@example.com"),
        ("ada@home.local", "ada@home.local"),
    ],
)
def test_an_address_is_kept_in_its_usual_form(given, kept):
    assert email_addresses.normalise(given) == kept


@pytest.mark.parametrize(
    "given",
    ["", "ada", "ada@", "@example.com", "ada@localhost", "a b@example.com", "ada@ex\0ample.com"]
    + ["ada@example.com\nBcc: all@example.com", "x" * 250 + "@example.com"],
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(email_addresses.NotAnAddress):
        email_addresses.normalise(given)


@pytest.mark.django_db
def test_an_account_is_found_by_its_address_in_any_case():
    account = make_account("Ada@example.com")

    assert Account.objects.with_email("aDA@EXAMPLE.COM").get() == account
    assert Account.objects.get_by_natural_key("ADA@example.com") == account
    assert not Account.objects.with_email("a_a@example.com").exists()
