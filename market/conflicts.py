"""Writes that meet: run again what another's commit got in the way of."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

ATTEMPTS = 5
DEADLOCK = "40P01"  # PostgreSQL's code

P = ParamSpec("P")
R = TypeVar("R")


class Overtaken(IntegrityError):
    """A row that was just there is gone: another ended its last use."""


def retried(use_case: Callable[P, R]) -> Callable[P, R]:
    """Run ``use_case`` in a transaction, and again where another's commit broke it.

    One device may begin to use a skill or definition in the moment another ends the last use and
    deletes it. Locking popular skills against that would make whole fleets queue up; a second
    attempt sees what the other left.
    """

    @wraps(use_case)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            try:
                with transaction.atomic():
                    return use_case(*args, **kwargs)
            except IntegrityError:
                continue
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", None) != DEADLOCK:
                    raise
        with transaction.atomic():
            return use_case(*args, **kwargs)

    return run
