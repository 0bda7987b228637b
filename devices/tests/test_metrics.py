from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import profile
from accounts.models import AccountActivity, AgreementType
from accounts.tests.factories import make_agreement
from accounts.tests.threads import at_once
from devices import metrics
from devices.authentication import OF_ANOTHER_DEVICE
from devices.models import CoreInteraction, CoreMetric
from devices.tests.factories import make_device, make_token

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
UNIX_NOON = NOON.timestamp()
# As mycroft-core reports "what time is it"; seconds after noon when each step began
STEPS = [
    (0.0, "stt", 1.2, {"transcription": "what time is it", "stt": "MycroftSTT"}),
    (1.3, "intent_service", 0.1, {"intent_type": "TimeSkill:what.time.is.it"}),
    (1.45, "skill_handler", 0.3, {"handler": "handle_query_time", "skill_id": "mycroft-date-time"}),
    (1.5, "speech", 0.8, {"utterance": "It is noon", "tts": "Mimic"}),
    (2.5, "speech_playback", 1.0, {}),
]


@pytest.fixture
def consent(account):
    """Agree to Open Dataset as the account."""
    make_agreement(AgreementType.OPEN_DATASET)
    profile.update(account, open_dataset=True)


def report(device, value, received_at=NOON):
    CoreMetric.objects.create(device=device, name="timing", value=value, received_at=received_at)


def report_interaction(device, core_id="1773144000.0-17", start=UNIX_NOON, received_at=NOON):
    for seconds, system, time, details in STEPS:
        value = {"id": core_id, "system": system, "start_time": start + seconds, "time": time}
        report(device, value | details, received_at + timedelta(seconds=seconds + time))


@pytest.mark.usefixtures("consent")
def test_a_metric_is_kept_for_who_agreed_to_open_dataset(device_client, device):
    value = {"id": "x", "start_time": 1.5, "system": "stt", "time": 0.1}

    response = device_client.post(f"/v1/device/{device.pk}/metric/timing", value)

    assert (response.status_code, response.content) == (204, b"")
    metric = CoreMetric.objects.get()
    assert (metric.device, metric.name, metric.value) == (device, "timing", value)
    assert timezone.now() - metric.received_at < timedelta(minutes=1)


def test_a_metric_is_dropped_without_consent(device_client, device):
    response = device_client.post(f"/v1/device/{device.pk}/metric/timing", {"a": 1})

    assert (response.status_code, response.content) == (204, b"")
    assert not CoreMetric.objects.exists()


def test_consent_counts_from_when_it_is_given_until_it_is_taken_back(device_client, device):
    make_agreement(AgreementType.OPEN_DATASET)

    for number, change in enumerate([None, True, None, False, None, True]):
        profile.update(device.account, open_dataset=change)
        device_client.post(f"/v1/device/{device.pk}/metric/timing", {"number": number})

    kept = CoreMetric.objects.order_by("received_at").values_list("value", flat=True)
    assert [value["number"] for value in kept] == [1, 2, 5]


@pytest.mark.usefixtures("consent")
@pytest.mark.parametrize("name", ["a/b", "mycroft-weather:on.start", "a//b/", "ä b", "x" * 200])
def test_a_name_may_hold_nearly_everything(device_client, device, name):
    response = device_client.post(f"/v1/device/{device.pk}/metric/{name}", {})

    assert response.status_code == 204
    assert CoreMetric.objects.get().name == name


@pytest.mark.usefixtures("consent")
def test_an_empty_body_is_an_empty_metric(device_client, device):
    response = device_client.generic("POST", f"/v1/device/{device.pk}/metric/timing")

    assert response.status_code == 204
    assert CoreMetric.objects.get().value == {}


@pytest.mark.usefixtures("consent")
@pytest.mark.parametrize(
    ("name", "body", "status", "answer"),
    [
        ("x" * 201, b"{}", 400, {"name": ["at most 200 characters"]}),
        ("a%00b", b"{}", 400, {"error": "NUL characters are not allowed"}),
        ("a", b"[]", 400, {"error": "a metric is a JSON object"}),
        ("a", b"null", 400, {"error": "a metric is a JSON object"}),
        ("a", b"{", 400, {"error": "request body is not valid JSON"}),
        ("a", b'{"a": "\\u0000"}', 400, {"error": "NUL characters are not allowed"}),
        (
            "a",
            b'{"a": "%s"}' % (b"x" * 65_536),
            413,
            {"error": "a metric has at most 65,536 bytes"},
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(device_client, device, name, body, status, answer):
    path = f"/v1/device/{device.pk}/metric/{name}"

    response = device_client.generic("POST", path, body, content_type="application/json")

    assert (response.status_code, response.json()) == (status, answer)
    assert not CoreMetric.objects.exists()


def test_a_metric_needs_the_device_s_own_token(api, device_client, device):
    other = make_device(device.account)

    answers = [
        client.post(f"/v1/device/{other.pk}/metric/timing", {}) for client in (api, device_client)
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.json() for answer in answers] == [
        {"error": "Oauth token not found"},
        {"error": OF_ANOTHER_DEVICE},
    ]


def test_a_metric_counts_as_activity_once_a_day(device_client, device):
    for _ in range(2):
        device_client.post(f"/v1/device/{device.pk}/metric/timing", {})

    device.account.refresh_from_db()
    assert timezone.now() - device.account.last_activity_at < timedelta(minutes=1)
    assert AccountActivity.objects.get().accounts_active == 1


def test_devices_of_an_account_are_throttled_one_by_one(api, account, limit_rate):
    limit_rate("metric", "1/minute")
    devices = [make_device(account) for _ in range(2)]
    tokens = [make_token(device) for device in devices]

    statuses = [
        api.post(
            f"/v1/device/{device.pk}/metric/a", {}, headers={"Authorization": f"Bearer {token}"}
        ).status_code
        for device, token in [*zip(devices, tokens, strict=True)] * 2
    ]

    assert statuses == [204, 204, 429, 429]


def test_a_metric_takes_a_query_and_its_row_and_one_more_after_a_change(
    device_client, device, account, django_assert_num_queries, request
):
    path = f"/v1/device/{device.pk}/metric/timing"
    device_client.post(path, {})  # the first of a while notes contact and activity as well

    with django_assert_num_queries(1):
        device_client.post(path, {})

    request.getfixturevalue("consent")
    for queries in (3, 2):
        with django_assert_num_queries(queries):
            device_client.post(path, {})


@pytest.mark.django_db
def test_an_interaction_is_put_together_from_its_steps():
    device = make_device()
    report_interaction(device)

    count = metrics.parse(DAY)

    assert count == 1
    [interaction] = CoreInteraction.objects.values()
    del interaction["id"]
    assert interaction == {
        "device_id": device.pk,
        "core_id": "1773144000.0-17",
        "started_at": NOON,
        "stt_engine": "MycroftSTT",
        "stt_transcription": "what time is it",
        "stt_seconds": 1.2,
        "intent_type": "TimeSkill:what.time.is.it",
        "intent_seconds": 0.1,
        "fallback_handler_seconds": None,
        "skill_handler": "handle_query_time",
        "skill_seconds": 0.3,
        "tts_engine": "Mimic",
        "tts_utterance": "It is noon",
        "tts_seconds": 0.8,
        "speech_playback_seconds": 1.0,
        "user_latency_seconds": 2.5,
    }


@pytest.mark.django_db
def test_a_day_may_be_parsed_again_and_then_knows_what_came_late():
    device = make_device()
    report_interaction(device)
    metrics.parse(DAY)
    [before] = CoreInteraction.objects.values()
    fallback = {"id": before["core_id"], "system": "fallback_handler", "time": 0.2}
    report(device, fallback, NOON + timedelta(minutes=1))

    count = metrics.parse(DAY)

    assert count == 1
    assert CoreInteraction.objects.values().get() == before | {"fallback_handler_seconds": 0.2}


@pytest.mark.django_db
def test_interactions_are_of_one_device_and_of_the_day_of_their_first_step():
    one, other = make_device(), make_device()
    for device in (one, other):
        report_interaction(device)
    midnight = NOON + timedelta(hours=12)
    report_interaction(one, "late", midnight.timestamp() - 2, midnight - timedelta(seconds=2))
    report_interaction(one, "next", midnight.timestamp() + 1, midnight + timedelta(seconds=1))
    report_interaction(one, "other day", received_at=NOON - timedelta(days=1))

    count = metrics.parse(DAY)

    assert count == 3
    late = CoreInteraction.objects.get(core_id="late")
    assert (late.device, late.speech_playback_seconds) == (one, 1.0)
    assert set(CoreInteraction.objects.values_list("device", "core_id")) == {
        (one.pk, "1773144000.0-17"),
        (other.pk, "1773144000.0-17"),
        (one.pk, "late"),
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"id": None, "system": "stt"},
        {"id": "", "system": "stt"},
        {"id": ["a"], "system": "stt"},
        {"id": "x" * 101, "system": "stt"},
        {"id": "a", "system": "no step"},
        {"id": "a", "system": ["stt"]},
        {"id": "a", "system": {}},
    ],
)
def test_what_is_of_no_interaction_is_passed_over(value):
    report(make_device(), value)

    assert metrics.parse(DAY) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("odd", [None, "soon", True, -1, 1e300, 10**15, [], {}])
def test_a_time_that_cannot_be_is_not_believed(odd):
    report(make_device(), {"id": "a", "system": "stt", "start_time": odd, "time": odd, "stt": odd})

    metrics.parse(DAY)

    interaction = CoreInteraction.objects.get()
    assert (interaction.started_at, interaction.stt_seconds) == (NOON, None)


@pytest.mark.django_db(transaction=True)
def test_two_machines_may_parse_one_day_at_once():
    for _ in range(3):
        report_interaction(make_device())

    results = at_once(lambda: metrics.parse(DAY), lambda: metrics.parse(DAY))

    assert list(results) == [3, 3]
    assert CoreInteraction.objects.count() == 3


@pytest.mark.django_db
def test_old_metrics_and_interactions_are_purged(settings):
    settings.METRICS_KEPT = timedelta(days=30)
    device, now = make_device(), timezone.now()
    for days in (29, 31):
        at = now - timedelta(days=days)
        report(device, {"days": days}, at)
        CoreInteraction.objects.create(device=device, core_id=str(days), started_at=at)

    assert metrics.purge() == 2

    assert CoreMetric.objects.get().value == {"days": 29}
    assert CoreInteraction.objects.get().core_id == "29"
