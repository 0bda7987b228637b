"""How often something may be asked for, as ``RateThrottle`` counts it."""

from datetime import timedelta

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.tests.threads import at_once
from accounts.throttles import RateThrottle


class Throttle(RateThrottle):
    rate = "3/minute"

    def get_cache_key(self, request, view):
        return "throttle_of_a_test"


def ask():
    """Return what is allowed, and the seconds to wait if it is not."""
    throttle = Throttle()
    is_allowed = throttle.allow_request(Request(APIRequestFactory().get("/")), APIView())
    return is_allowed, None if is_allowed else throttle.wait()


def test_so_many_are_allowed_however_many_come_at_once():
    answers = []

    at_once(*[lambda: answers.append(ask()[0])] * 12)

    assert sorted(answers) == [False] * 9 + [True] * 3


def test_the_window_slides_with_each_request(time_machine):
    time_machine.move_to("2026-11-23T08:00:00Z", tick=False)
    ask()
    time_machine.shift(timedelta(seconds=20))
    ask(), ask()

    refused = ask()
    time_machine.shift(timedelta(seconds=40))
    allowed, again = ask(), ask()

    assert refused == (False, pytest.approx(40, abs=0.01))
    assert allowed == (True, None)
    assert again == (False, pytest.approx(20, abs=0.01))


def test_what_was_refused_does_not_count(time_machine):
    time_machine.move_to("2026-11-23T08:00:00Z", tick=False)
    for _ in range(9):
        ask()

    time_machine.shift(timedelta(seconds=60))

    assert ask() == (True, None)


@pytest.mark.fleet
def test_nothing_is_limited_while_redis_is_away(own_redis):
    answers = [ask()[0] for _ in range(3)]
    own_redis.stop()

    answers += [ask()[0] for _ in range(3)]

    assert answers == [True] * 6
