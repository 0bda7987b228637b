import json
from datetime import date

import pytest

from accounts import memberships
from accounts.models import Membership
from accounts.tests.factories import make_membership

SHIPPED = [
    {
        "type": "Monthly Membership",
        "rate": 1.99,
        "ratePeriod": "month",
        "stripePlan": "monthly_premium",
    },
    {
        "type": "Yearly Membership",
        "rate": 19.99,
        "ratePeriod": "year",
        "stripePlan": "mycroft_ai_premium_annual_1999",
    },
]


@pytest.fixture
def shipped_file(settings):
    return settings.FIXTURES_DIR / "memberships.json"


@pytest.mark.usefixtures("db")
def test_anybody_sees_what_can_be_paid_for(api, shipped_file):
    memberships.load_shipped(shipped_file)

    response = api.get("/api/memberships")

    assert response.status_code == 200
    ids = {each.type: str(each.pk) for each in Membership.objects.all()}
    assert response.json() == [each | {"id": ids[each["type"]]} for each in SHIPPED]


@pytest.mark.usefixtures("db")
def test_stale_cookies_do_not_hide_the_memberships(api):
    api.cookies["seleneAccess"] = "garbage"

    response = api.get("/api/memberships")

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.usefixtures("db")
def test_what_ships_is_loaded_once(shipped_file):
    first, again = memberships.load_shipped(shipped_file), memberships.load_shipped(shipped_file)

    assert (first, again) == (2, 0)
    assert Membership.objects.count() == 2


@pytest.mark.usefixtures("db")
def test_what_the_operator_offers_stays(shipped_file):
    make_membership("Gold", rate="99.00")

    assert memberships.load_shipped(shipped_file) == 0
    assert list(Membership.objects.values_list("type", flat=True)) == ["Gold"]


def test_what_ships_is_well_formed(shipped_file):
    shipped = json.loads(shipped_file.read_text())

    assert [each | {"rate": float(each["rate"])} for each in shipped] == SHIPPED


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (date(2026, 11, 22), None),
        (date(2026, 10, 23), None),
        (date(2026, 10, 22), "1 months"),
        (date(2025, 11, 23), "11 months"),
        (date(2025, 11, 22), "1 years"),
        (date(2025, 9, 22), "1 years  2 months"),
        (date(2024, 2, 29), "2 years  8 months"),
    ],
)
def test_a_membership_lasts_whole_years_and_months(since, text):
    assert memberships.duration(since, date(2026, 11, 22)) == text
