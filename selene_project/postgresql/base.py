"""Django's PostgreSQL, which looks whether a kept connection still stands instead of asking.

Before the first query of a request Django asks ``SELECT 1``, so that no request fails by a
connection that PostgreSQL has closed since the last one. That is a round trip and a query more for
each request. But a PostgreSQL that closes a connection says so, and nothing else comes unasked: as
long as there is nothing to read, the connection is as good as an answer would show it to be.
"""

import select

from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        is_idle = self.connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
        if is_idle and not self.errors_occurred and not _can_read(self.connection.fileno()):
            return True
        return bool(super().is_usable())


def _can_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
