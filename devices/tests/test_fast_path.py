"""Polls that Redis decides, and every way in which it must not."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts import version_cache, versions
from devices import contacts, etags, fast_path, platforms, tokens
from devices.models import Device, DeviceToken
from devices.serializers.device import DeviceSerializer
from devices.tests.factories import make_token

pytestmark = [pytest.mark.fleet, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def token(device):
    """An access token of the device that the device has used."""
    token = make_token(device)
    tokens.recognise(tokens.digest(token))
    return token


@pytest.fixture
def poll(api, device, token):
    """Return a function that asks for the device, as mycroft-core does: tags without quotes."""

    def poll(tag="", path="", token=token):
        headers = {"If-None-Match": tag} if tag else {}
        headers["Authorization"] = f"Bearer {token}"
        return api.get(f"/v1/device/{device.pk}{path}", headers=headers)

    return poll


@pytest.fixture
def known_tag(poll):
    """The tag of the device as it is, known to Redis."""
    tag = poll().headers["ETag"].strip('"')
    assert poll(tag).status_code == 304
    return tag


class Reader:
    """A poll in slow motion: it asks Redis, reads the row, remembers what it read."""

    def __init__(self, device, token):
        self.path = f"/v1/device/{device.pk}"
        self.token = token

    def ask(self):
        self.request = RequestFactory().get(self.path, HTTP_AUTHORIZATION=f"Bearer {self.token}")
        fast_path.FastPath(lambda request: HttpResponse())(self.request)

    def read(self):
        self.device = tokens.recognise(tokens.digest(self.token))
        self.tag = etags.make(self.path, DeviceSerializer(self.device).data)

    def remember(self):
        fast_path.note_contact(self.request, self.device)
        fast_path.remember(self.request, self.tag, is_secret=False)
        fast_path.keep(self.request, HttpResponse())


@pytest.fixture
def reader(device, token):
    return Reader(device, token)


def write(device, version):
    platforms.note(Device.objects.get(pk=device.pk), core_version=version)


def write_and_die(device, version):
    """Write like ``platforms.note`` and end, as a killed process does, before Redis hears of it."""
    with transaction.atomic():
        write(device, version)
        connection.run_on_commit.clear()


def test_a_known_tag_costs_no_query_and_one_round_trip(
    device, poll, known_tag, own_commands, django_assert_num_queries
):
    with django_assert_num_queries(0), own_commands() as commands:
        response = poll(known_tag)

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == f'"{known_tag}"'
    assert len(commands) == 1


@pytest.fixture
def own_commands():
    """Return a context manager that lists the commands that clients send to Redis meanwhile."""
    from contextlib import contextmanager

    @contextmanager
    def listen():
        client = version_cache.client()
        client.ping()  # says hello before anybody listens
        seen = []
        with version_cache.client().monitor() as monitor:
            thread = threading.Thread(target=_collect, args=(monitor, seen))
            thread.start()
            yield seen
            client.execute_command("ECHO", "end of listening")
            thread.join()

    return listen


def _collect(monitor, seen):
    database = version_cache.client().connection_pool.connection_kwargs["db"]
    for command in monitor.listen():
        if command["db"] != database:  # of other tests
            continue
        if "end of listening" in command["command"]:
            return
        if command["client_type"] != "lua" and not command["command"].startswith("CLIENT"):
            seen.append(command["command"])


def test_a_poll_from_redis_counts_as_contact(device, poll, known_tag):
    Device.objects.update(last_contact_at=None)
    version_cache.run_command("DEL", contacts.KEY)

    poll(known_tag)

    assert timezone.now() - contacts.latest([device])[device.pk] < timezone.timedelta(seconds=5)


@pytest.mark.parametrize("form", ["{}", '"{}"', 'W/"{}"', 'W/"{}', ' "{}" ', '"x", "{}"', "*"])
def test_a_tag_is_known_in_every_form_that_clients_send(poll, known_tag, form):
    response = poll(form.format(known_tag))

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == f'"{known_tag}"'


def test_a_write_makes_the_tag_unknown_at_once(device, poll, known_tag):
    write(device, "21.2.2")

    response = poll(known_tag)

    assert response.status_code == 200
    assert response.json()["coreVersion"] == "21.2.2"


def test_a_tag_is_answered_from_redis_again_after_a_write(
    device, poll, known_tag, django_assert_num_queries
):
    write(device, "21.2.2")
    tag = poll(known_tag).headers["ETag"].strip('"')

    with django_assert_num_queries(0):
        response = poll(tag)

    assert response.status_code == 304


def test_a_reader_overtaken_after_asking_does_no_harm(device, poll, known_tag, reader):
    reader.ask()
    write(device, "21.2.2")
    reader.read()
    reader.remember()

    assert poll(known_tag).status_code == 200
    assert poll(reader.tag).status_code == 304


def test_a_reader_overtaken_after_reading_does_no_harm(device, poll, known_tag, reader):
    reader.ask()
    reader.read()
    write(device, "21.2.2")
    reader.remember()

    assert reader.tag == known_tag
    assert poll(known_tag).status_code == 200


def test_a_reader_does_no_harm_while_a_write_is_open(device, poll, known_tag, reader):
    with transaction.atomic():
        write(device, "21.2.2")
        reader_in_between = threading.Thread(target=_read_outside, args=(reader,))
        reader_in_between.start()
        reader_in_between.join()

    assert reader.tag == known_tag
    assert poll(known_tag).status_code == 200


def _read_outside(reader):
    try:
        reader.ask()
        reader.read()
        reader.remember()
    finally:
        connection.close()


def test_a_writer_that_dies_before_redis_learns_leaves_no_old_answer(device, poll, known_tag):
    write_and_die(device, "21.2.2")

    assert poll(known_tag).json()["coreVersion"] == "21.2.2"


def test_the_next_poll_makes_up_for_a_writer_that_died(
    device, poll, known_tag, django_assert_num_queries
):
    write_and_die(device, "21.2.2")
    tag = poll(known_tag).headers["ETag"].strip('"')

    with django_assert_num_queries(0):
        response = poll(tag)

    assert response.status_code == 304


def test_a_write_that_is_rolled_back_changes_no_answer(device, poll, known_tag):
    with transaction.atomic():
        write(device, "21.2.2")
        transaction.set_rollback(True)

    assert poll(known_tag).status_code == 304


def test_the_later_of_two_writers_counts_whoever_tells_redis_last(device, poll, known_tag, reader):
    first, second = device.version + 1, device.version + 2
    Device.objects.update(version=first)
    version_cache.announce([(device.pk, first)])
    Device.objects.update(version=second, core_version="21.2.2")
    version_cache.announce([(device.pk, second)])
    version_cache.publish([(device.pk, second)])
    version_cache.publish([(device.pk, first)])

    assert poll(known_tag).json()["coreVersion"] == "21.2.2"


def test_a_writer_that_dies_after_another_told_redis_leaves_no_old_answer(device, poll, known_tag):
    write(device, "21.2.2")
    tag = poll(known_tag).headers["ETag"].strip('"')
    write_and_die(device, "21.2.3")

    assert poll(tag).json()["coreVersion"] == "21.2.3"


def test_a_reader_that_read_before_a_write_and_a_flush_does_no_harm(
    device, poll, known_tag, reader
):
    reader.ask()
    reader.read()
    write(device, "21.2.2")
    version_cache.run_command("FLUSHDB")
    reader.remember()

    assert poll(known_tag).status_code == 200


def test_a_reader_that_read_before_a_flush_does_not_speak_for_one_after_it(
    device, poll, known_tag, reader, token
):
    other = Reader(device, token)
    reader.ask()
    reader.read()
    write(device, "21.2.2")
    version_cache.run_command("FLUSHDB")
    other.ask()
    reader.remember()

    assert poll(known_tag).status_code == 200


def test_a_flush_costs_one_query_and_no_more(poll, known_tag, django_assert_num_queries):
    version_cache.run_command("FLUSHDB")
    assert poll(known_tag).status_code == 304

    with django_assert_num_queries(0):
        response = poll(known_tag)

    assert response.status_code == 304


def test_what_a_restarted_redis_had_on_disk_is_not_believed(own_redis, device, poll):
    tag = poll().headers["ETag"].strip('"')
    own_redis.client.save()
    own_redis.stop()
    write(device, "21.2.2")
    own_redis.start()
    version_cache.forget_failures()

    response = poll(tag)

    assert response.json()["coreVersion"] == "21.2.2"


def test_a_dead_redis_changes_no_answer(own_redis, device, poll):
    tag = poll().headers["ETag"].strip('"')
    own_redis.stop()

    unchanged = poll(tag)
    write(device, "21.2.2")
    changed = poll(tag)

    assert unchanged.status_code == 304
    assert changed.json()["coreVersion"] == "21.2.2"


def test_a_hanging_redis_delays_a_poll_by_a_moment_and_once(own_redis, device, poll):
    tag = poll().headers["ETag"].strip('"')
    own_redis.hang()

    started = time.monotonic()
    first = poll(tag)
    between = time.monotonic()
    second = poll(tag)
    ended = time.monotonic()

    own_redis.wake()
    assert (first.status_code, second.status_code) == (304, 304)
    assert between - started < 2  # one REDIS_TIMEOUT; the rest is a busy machine's
    assert ended - between < between - started


def test_what_redis_missed_while_it_hung_is_told_before_it_is_asked(own_redis, device, poll):
    tag = poll().headers["ETag"].strip('"')
    own_redis.hang()
    write(device, "21.2.2")
    own_redis.wake()

    statuses = []
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        statuses.append(poll(tag).status_code)
        time.sleep(0.05)

    assert set(statuses) == {200}
    assert not version_cache._owed


def test_a_first_use_of_new_tokens_that_a_write_overtakes_does_no_harm(device, poll, known_tag):
    """The device is read, then written, then found to use new tokens: what was read is old."""
    newer = make_token(device)
    reader = Reader(device, newer)
    reader.ask()
    pair = DeviceToken.objects.select_related("device__account").get(
        access_digest=tokens.digest(newer)
    )
    write(device, "21.2.2")
    tokens._note_first_use(pair)
    reader.device = pair.device
    reader.tag = etags.make(reader.path, DeviceSerializer(pair.device).data)
    reader.remember()

    assert poll(reader.tag, token=newer).json()["coreVersion"] == "21.2.2"


def test_a_process_that_met_a_slow_redis_still_tells_it_of_writes(own_redis, device, poll):
    tag = poll().headers["ETag"].strip('"')
    own_redis.hang()
    poll(tag)
    own_redis.wake()
    write(device, "21.2.2")

    # Another process, which met nothing.
    version_cache.forget_failures()

    assert poll(tag).status_code == 200


def test_a_token_is_refused_from_redis_after_its_device_is_removed(
    device, poll, known_tag, django_assert_num_queries
):
    with transaction.atomic():
        versions.retire(Device.objects.filter(pk=device.pk))
        device.delete()

    first = poll(known_tag)
    with django_assert_num_queries(0):
        second = poll(known_tag)

    assert first.status_code == second.status_code == 401
    assert first.json() == second.json() == {"error": "device not authorized"}
    assert first.headers["WWW-Authenticate"] == second.headers["WWW-Authenticate"]


def test_a_dead_token_costs_no_query_on_any_path(api, device, poll, django_assert_num_queries):
    poll(token="dead")

    with django_assert_num_queries(0):
        api.credentials(HTTP_AUTHORIZATION="Bearer dead")
        response = api.patch(f"/v1/device/{device.pk}", {"platform": "x"})

    assert response.status_code == 401
    assert response.json() == {"error": "device not authorized"}


def test_a_superseded_token_is_refused_at_once(device, poll, known_tag):
    newer = make_token(device)
    assert poll(known_tag, token=newer).status_code == 304

    response = poll(known_tag)

    assert response.status_code == 401


def test_a_token_is_not_good_for_another_device(poll, known_tag, token, api, account):
    from devices.tests.factories import make_device

    other = make_device(account)

    response = api.get(
        f"/v1/device/{other.pk}",
        headers={"Authorization": f"Bearer {token}", "If-None-Match": known_tag},
    )

    assert response.status_code == 401


def test_a_tag_of_one_resource_is_not_known_for_another(poll, known_tag):
    poll(path="/setting")

    response = poll(known_tag, path="/setting")

    assert response.status_code == 200


def test_writes_are_not_answered_conditionally(api, device, token, known_tag):
    response = api.patch(
        f"/v1/device/{device.pk}",
        {"coreVersion": "21.2.2"},
        headers={"Authorization": f"Bearer {token}", "If-None-Match": known_tag},
    )

    assert (response.status_code, response.content) == (200, b"")
    assert "ETag" not in response.headers


def test_no_poll_that_follows_a_write_gets_an_old_answer(device, token, poll):
    """Two writers and four readers for two seconds: each 304 must be for a tag not yet replaced."""
    written, stale, stop = [0], [], threading.Event()
    lock = threading.Lock()

    def writing():
        while not stop.is_set():
            with lock:
                number = written[-1] + 1
                write(device, str(number))
                written.append(number)
        connection.close()

    def reading():
        held, tag = 0, ""
        while not stop.is_set():
            expected = written[-1]
            response = poll(tag)
            if response.status_code == 200:
                held, tag = int(response.json()["coreVersion"]), response.headers["ETag"].strip('"')
            if held < expected:
                stale.append((held, expected))
        connection.close()

    write(device, "0")
    threads = [threading.Thread(target=target) for target in (writing, writing, *[reading] * 4)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    stop.set()
    for thread in threads:
        thread.join()

    assert written[-1] > 10
    assert stale == []


@pytest.fixture
def answered(poll):
    """A GET without a tag, as a device that starts sends it, and its answer."""
    return poll()


def test_what_was_just_answered_is_answered_again_by_one_round_trip(
    poll, answered, own_commands, django_assert_num_queries
):
    with django_assert_num_queries(0), own_commands() as commands:
        again = poll()

    assert (again.status_code, again.content) == (200, answered.content)
    assert dict(again.items()) == dict(answered.items())
    assert len(commands) == 1


def test_what_the_view_answers_costs_two_round_trips(poll, token, own_commands):
    with own_commands() as commands:
        poll()

    assert len(commands) == 2


def test_an_answer_sent_again_counts_as_contact(device, poll, answered):
    Device.objects.update(last_contact_at=None)
    version_cache.run_command("DEL", contacts.KEY)

    poll()

    assert timezone.now() - contacts.latest([device])[device.pk] < timezone.timedelta(seconds=5)


@pytest.mark.parametrize("path", ["", "/setting", "/skill/settings"])
def test_a_call_that_the_view_answers_counts_as_contact(device, poll, path):
    poll(path=path)

    assert timezone.now() - contacts.latest([device])[device.pk] < timezone.timedelta(seconds=5)


def test_a_call_that_finds_nothing_counts_as_contact(device, poll):
    Device.objects.update(city=None)

    assert poll(path="/location").status_code == 404
    assert timezone.now() - contacts.latest([device])[device.pk] < timezone.timedelta(seconds=5)


def test_a_write_makes_what_was_answered_old_at_once(device, poll, answered):
    write(device, "21.2.2")

    assert poll().json()["coreVersion"] == "21.2.2"


def test_a_device_with_an_older_tag_gets_what_was_just_answered(
    device, poll, answered, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = poll("of-yesterday")

    assert (response.status_code, response.content) == (200, answered.content)


@pytest.mark.parametrize("form", ['"x", "{}"', "*"])
def test_nobody_who_names_several_tags_gets_what_was_just_answered(poll, answered, form):
    tag = answered.headers["ETag"].strip('"')

    assert poll(form.format(tag)).status_code == 304


def test_what_was_answered_to_a_token_is_not_for_a_superseded_one(device, poll, answered):
    newer = make_token(device)
    assert poll(token=newer).status_code == 200

    assert poll().status_code == 401


def test_no_answer_is_kept_for_the_page_of_another_site(api, device, token, own_commands):
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://pages.example"}

    for _ in range(2):
        api.get(f"/v1/device/{device.pk}", headers=headers)

    assert not kept("body")
    assert kept("tag")


def kept(kind):
    """Return the values of one kind that Redis holds."""
    client = version_cache.client()
    return [client.get(key) for key in client.scan_iter(f"*:{kind}:*")]


def test_no_long_answer_is_kept(poll, monkeypatch):
    monkeypatch.setattr(fast_path, "BODY_BYTES", 100)

    poll()

    assert not kept("body")
    assert kept("tag")
