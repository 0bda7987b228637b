"""Django's PostgreSQL, which looks whether a kept connection still stands instead of asking.

Before the first query of a request Django asks ``SELECT 1``, so that no request fails by a
connection that PostgreSQL has closed since the last one. That is a round trip and a query more for
each request. But a PostgreSQL that closes a connection says so, and nothing else comes unasked: as
long as there is nothing to read, the connection is as good as an answer would show it to be.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred or _has_something_to_say(self.connection.fileno()):
            return bool(super().is_usable())
        return True


def _has_something_to_say(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
