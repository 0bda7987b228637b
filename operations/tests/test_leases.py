from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from operations import leases
from operations.models import Lease
from operations.scheduler import LEASE, TICK

MINUTE = timedelta(minutes=1)


def let_it_run_out(name):
    Lease.objects.filter(name=name).update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_one_holder_keeps_another_out_until_the_lease_runs_out():
    assert leases.take("scheduler", "a", MINUTE)
    assert not leases.take("scheduler", "b", MINUTE)

    let_it_run_out("scheduler")

    assert leases.take("scheduler", "b", MINUTE)
    assert not leases.take("scheduler", "a", MINUTE)


@pytest.mark.django_db
def test_a_holder_may_renew_its_lease():
    leases.take("scheduler", "a", timedelta(seconds=1))

    assert leases.take("scheduler", "a", MINUTE)

    left = Lease.objects.get(name="scheduler").expires_at - timezone.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=61)


@pytest.mark.django_db
def test_a_lease_given_back_is_free_at_once():
    leases.take("scheduler", "a", MINUTE)

    leases.give_back("scheduler", "a")

    assert leases.take("scheduler", "b", MINUTE)


@pytest.mark.django_db
def test_only_the_holder_can_give_a_lease_back():
    leases.take("scheduler", "a", MINUTE)

    leases.give_back("scheduler", "b")

    assert not leases.take("scheduler", "b", MINUTE)


@pytest.mark.django_db
def test_leases_of_different_names_do_not_touch_each_other():
    assert leases.take("scheduler", "a", MINUTE)
    assert leases.take("start", "b", MINUTE)


@pytest.mark.django_db(transaction=True)
def test_of_several_that_take_a_lease_at_once_one_gets_it():
    barrier, won = Barrier(4), []

    def take(holder):
        barrier.wait()
        try:
            if leases.take("scheduler", holder, MINUTE):
                won.append(holder)
        finally:
            connection.close()

    threads = [Thread(target=take, args=[str(number)]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    assert Lease.objects.get().holder == won[0]


def test_the_work_of_a_dead_scheduler_is_taken_over_within_a_minute():
    assert LEASE + timedelta(seconds=TICK) < MINUTE
    assert timedelta(seconds=TICK * 3) < LEASE  # renewed well before it runs out
