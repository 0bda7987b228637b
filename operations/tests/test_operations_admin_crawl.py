"""Every page of the back office, of every app: none fails, no list costs more when it is longer."""

from datetime import date, timedelta

import pytest
from auditlog.models import LogEntry
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts import agreements, encryption, mail, security, sessions
from accounts.models import AccountActivity, PendingPayment, SecurityEventKind
from accounts.tests.factories import (
    make_account,
    make_agreement,
    make_membership,
    make_subscription,
)
from devices import pairing, preferences
from devices.models import (
    AccountDefaults,
    CoreInteraction,
    CoreMetric,
    PocketsphinxSettings,
    SttEngineDay,
    SttTranscription,
    Tag,
    WakeWordSample,
)
from devices.tests.factories import make_device, make_token, make_voice, make_wake_word
from geography.tests.factories import make_city, make_country, make_region, make_timezone
from market.models import OAuthCredential, OAuthToken
from market.tests.factories import install, make_catalogue_entry, text
from operations.models import ApiCallDay, JobRun, Lease

pytestmark = pytest.mark.django_db
MODELS = sorted(model._meta.label_lower for model in admin.site._registry)


@pytest.fixture
def staff():
    return make_account("staff@selene.test", is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    """A browser signed in to the admin."""
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def make_rows(number):
    """Save a row of every kind, each unlike those with another ``number``."""
    account = make_account(f"x{number}@selene.test", username=f"x{number}")
    make_account_rows(account, number)
    make_device_rows(account, number)
    make_server_rows(number)


def make_account_rows(account, number):
    sessions.start(account, client="Browser")
    account.social_auth.create(provider="google", uid=str(number))
    day = date(2026, 1, 1) + timedelta(days=number)
    agreements.accept(account, make_agreement(version=str(number), effective_on=day))
    make_subscription(account, make_membership(f"Membership {number}"))
    PendingPayment.objects.create(account=account)
    security.record(SecurityEventKind.LOCKED_OUT, account=account, detail={"name": "x"})
    AccountActivity.objects.create(day=day)
    mail.send("password_changed", account.email)
    Group.objects.create(name=f"x{number}")
    AccessAttempt.objects.create(
        username=f"x{number}", ip_address="192.0.2.1", failures_since_start=1
    )


def make_device_rows(account, number):
    voice, word = make_voice(f"x{number}"), make_wake_word(f"x{number}")
    PocketsphinxSettings.objects.create(wake_word=word, pronunciation="HH EY", threshold="1e-90")
    city = make_place(number)
    place = {"city": city, "timezone": city.timezone}
    device = make_device(account, f"x{number}", voice=voice, wake_word=word, **place)
    make_token(device)
    make_reports(device, number)
    pairing.issue_code(f"state {number}")
    preferences.change(
        account, date_format="MM/DD/YYYY", measurement_system="Metric", time_format="12 Hour"
    )
    AccountDefaults.objects.create(
        account=account,
        country=city.region.country,
        region=city.region,
        voice=voice,
        wake_word=word,
        **place,
    )
    make_skills(device, number)


def make_place(number):
    country = make_country(f"X{number}", f"X{number}")
    region = make_region(f"X{number}.01", f"X{number}", country)
    return make_city(f"X{number}", region, make_timezone(f"X/{number}", country))


def make_reports(device, number):
    """Save what a device tells about itself and its owner's voice."""
    moment, spans = now(), {"audio_seconds": 2, "transcription_seconds": 1}
    CoreMetric.objects.create(device=device, name="x", value={})
    CoreInteraction.objects.create(device=device, core_id="1", started_at=moment)
    SttTranscription.objects.create(account=device.account, engine="x", succeeded=True, **spans)
    day = moment.date() - timedelta(days=number)
    SttEngineDay.objects.create(day=day, engine="x", requests=2, successes=1, **spans)
    tag = Tag.objects.create(name=f"x{number}", title="X", instructions="X?", priority=number)
    sample = WakeWordSample.objects.create(
        wake_word=device.wake_word,
        account=device.account,
        digest=f"{number:064}",
        recorded_at=moment,
    )
    sample.tags.create(value=tag.values.create(value="x", display="X"), account=device.account)


def make_skills(device, number):
    install(device, f"x{number}|1", text("user", f"x{number}"))
    make_catalogue_entry(f"x-catalogue-{number}|21.02", title="X")
    credential = OAuthCredential.objects.create(
        name=f"x{number}",
        client_id="x",
        scope="x",
        authorization_uri="https://accounts.example/authorize",
        token_uri="https://accounts.example/token",
        encrypted_client_secret=encryption.encrypt("secret"),
    )
    OAuthToken.objects.create(
        account=device.account, credential=credential, encrypted_token=encryption.encrypt("{}")
    )


def make_server_rows(number):
    day = now().date() - timedelta(days=number)
    JobRun.objects.create(name="x", day=day, ended_at=now(), succeeded=True, output="x")
    Lease.objects.create(name=f"x{number}", holder="x")
    LogEntry.objects.log_create(
        AccountActivity.objects.first(), action=LogEntry.Action.UPDATE, changes={"x": ["1", "2"]}
    )
    ApiCallDay.objects.create(
        day=day, api="device", route="x", method="GET", status=200, count=1,
        total_seconds=1.0, highest_seconds=1.0,
    )  # fmt: skip


def admin_of(label):
    (found,) = [each for each in admin.site._registry if each._meta.label_lower == label]
    return found, f"/admin/{label.replace('.', '/')}/"


def filters_of(response):
    """Return what the links of a list's filters ask for, each filter's once."""
    changes = response.context["cl"]
    links = [list(spec.choices(changes))[-1:] for spec in changes.filter_specs]
    return [link["query_string"] for (link,) in filter(None, links) if "query_string" in link]


@pytest.mark.parametrize("label", MODELS)
def test_every_page_opens(staff_client, label):
    make_rows(0)
    model, base = admin_of(label)
    pk = model.objects.first().pk

    pages = {
        "search": staff_client.get(f"{base}?q=x"),
        "add": staff_client.get(f"{base}add/"),
        "change": staff_client.get(f"{base}{pk}/change/"),
        "history": staff_client.get(f"{base}{pk}/history/"),
        "delete": staff_client.get(f"{base}{pk}/delete/"),
    }

    answers = {name: page.status_code for name, page in pages.items()}
    assert set(answers.values()) <= {200, 302, 403}, answers
    assert answers["change"] == answers["history"] == 200


@pytest.mark.parametrize("label", MODELS)
def test_every_filter_of_a_list_can_be_used(staff_client, label):
    make_rows(0)
    _, base = admin_of(label)

    queries = filters_of(staff_client.get(base))

    answers = {query: staff_client.get(base + query).status_code for query in queries}
    assert set(answers.values()) <= {200}, answers


@pytest.mark.parametrize("label", MODELS)
def test_a_list_costs_the_same_with_one_row_and_with_three(staff_client, label):
    _, base = admin_of(label)
    make_rows(0)
    one = queries_of(staff_client, base)
    make_rows(1)
    make_rows(2)

    three = queries_of(staff_client, base)

    assert len(three) == len(one), "\n".join(three)


@pytest.mark.parametrize(
    ("label", "field"),
    [
        (model._meta.label_lower, field)
        for model, page in admin.site._registry.items()
        for field in page.autocomplete_fields
    ],
)
def test_every_autocomplete_finds_rows_at_the_same_cost(staff_client, label, field):
    app, model = label.split(".")
    path = f"/admin/autocomplete/?app_label={app}&model_name={model}&field_name={field}&term=x"
    make_rows(0)
    one = queries_of(staff_client, path)
    make_rows(1)
    make_rows(2)

    three = queries_of(staff_client, path)

    assert len(three) == len(one), "\n".join(three)
    assert len(staff_client.get(path).json()["results"]) == 3


@pytest.mark.parametrize(
    "path", ["", "search/?s=x", "password_change/", "jsi18n/", "accounts/", "devices/", "auth/"]
)
def test_the_pages_of_no_model_open(staff_client, path):
    make_rows(0)

    assert staff_client.get(f"/admin/{path}").status_code == 200


def queries_of(client, path):
    """Return the queries that ``path`` takes when it is not the first time."""
    assert client.get(path).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return [query["sql"] for query in queries]
