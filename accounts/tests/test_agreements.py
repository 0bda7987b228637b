from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import agreements
from accounts.models import Agreement, AgreementType
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
