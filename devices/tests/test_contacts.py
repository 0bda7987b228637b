"""When a device last called."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import version_cache
from devices import contacts
from devices.models import Device
from devices.tests.factories import make_device


def _age(moment):
    return timezone.now() - moment


def test_every_call_counts_as_contact(device_client, device):
    device_client.get(f"/v1/device/{device.pk}/subscription")

    latest = contacts.latest([Device.objects.get()])

    assert _age(latest[device.pk]) < timedelta(seconds=5)


def test_a_refused_call_does_not_count(api, device):
    api.get(f"/v1/device/{device.pk}/setting", headers={"Authorization": "Bearer nope"})

    assert contacts.latest([Device.objects.get()]) == {device.pk: None}


@pytest.mark.household
def test_a_row_is_written_once_a_minute(device_client, device):
    moment = timezone.now() - timedelta(seconds=50)
    Device.objects.update(last_contact_at=moment)
    device_client.get(f"/v1/device/{device.pk}/subscription")
    assert Device.objects.get().last_contact_at == moment

    Device.objects.update(last_contact_at=timezone.now() - timedelta(seconds=70))
    device_client.get(f"/v1/device/{device.pk}/subscription")

    assert _age(Device.objects.get().last_contact_at) < timedelta(seconds=5)


@pytest.mark.fleet
def test_with_redis_no_row_is_written_until_the_contacts_are_flushed(device_client, device):
    device_client.get(f"/v1/device/{device.pk}/subscription")
    assert Device.objects.get().last_contact_at is None

    count = contacts.flush()

    assert count == 1
    assert _age(Device.objects.get().last_contact_at) < timedelta(seconds=5)
    assert contacts.flush() == 0


@pytest.mark.fleet
def test_flushing_writes_many_in_few_queries(account, django_assert_max_num_queries):
    devices = [make_device(account) for _ in range(30)]
    for device in devices:
        contacts.note(device)

    with django_assert_max_num_queries(5):
        contacts.flush()

    assert not Device.objects.filter(last_contact_at=None).exists()


@pytest.mark.fleet
def test_a_flush_never_takes_a_contact_back(device):
    contacts.note(device)
    later = timezone.now() + timedelta(minutes=5)
    Device.objects.update(last_contact_at=later)

    contacts.flush()

    assert Device.objects.get().last_contact_at == later


@pytest.mark.fleet
def test_contacts_of_devices_that_are_gone_are_dropped(device):
    contacts.note(Device(pk=uuid4()))
    contacts.note(device)

    assert contacts.flush() == 2
    assert contacts.flush() == 0


@pytest.mark.fleet
def test_what_a_flush_that_died_left_aside_is_moved_by_the_next(device):
    contacts.note(device)
    version_cache.client().sadd(contacts.FLUSHES, "aside")
    version_cache.client().rename(contacts.KEY, "aside")

    contacts.flush()

    assert Device.objects.get().last_contact_at is not None


@pytest.mark.fleet
def test_while_redis_is_away_rows_are_written(own_redis, device_client, device):
    own_redis.stop()

    device_client.get(f"/v1/device/{device.pk}/subscription")

    assert _age(Device.objects.get().last_contact_at) < timedelta(seconds=5)
    assert contacts.latest([Device.objects.get()])[device.pk] is not None
