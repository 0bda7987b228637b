"""What each process keeps of what it read of the places, until they are loaded anew.

The one query of a call that is answered from there asks which revision the places have. It is read
before what is kept under it, so that what is kept is of that revision or a later one: never older.
"""

from collections.abc import Callable, Hashable
from functools import cache, lru_cache, wraps
from typing import ParamSpec, TypeVar
from uuid import uuid4

from django.db import connection

from geography.models import Country, Gazetteer

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def kept(
    size: int,
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Keep the last ``size`` answers of a function that reads nothing but places.

    They are shared: nobody may change one.
    """

    def decorate(function: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        @lru_cache(maxsize=size)
        def at(revision: Hashable, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            return function(*args, **kwargs)

        @wraps(function)
        def now(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            revision = _current()
            if revision is None:  # the tables were filled by other means
                return function(*args, **kwargs)
            return at(revision, *args, **kwargs)  # type: ignore[arg-type]

        return now

    return decorate


def renew() -> None:
    """Note, in its transaction, that places are changing; others who change some wait for it."""
    list(Country.objects.select_for_update(no_key=True).values_list("pk"))
    Gazetteer.objects.update_or_create(pk=1, defaults={"revision": uuid4()})


def _current() -> Hashable | None:
    """Return the revision of the places as the database has it, None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(*_question())
        row = cursor.fetchone()
    return row and row[0]


@cache
def _question() -> tuple[str, tuple]:
    # Composed once a process: each time, that would take longer than all that follows.
    return Gazetteer.objects.values_list("revision").query.sql_with_params()
