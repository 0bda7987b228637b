"""Django's PostgreSQL, with less to ask it for each request.

**Looking whether a kept connection still stands, instead of asking.** Before the first query of a
request Django asks ``SELECT 1``, so that no request fails by a connection that PostgreSQL has
closed since the last one. That is a round trip and a query more for each request. But a PostgreSQL
that closes a connection says so, and nothing else comes unasked: as long as there is nothing to
read, the connection is as good as an answer would show it to be.

**Planning a statement once a connection.** To plan a query that joins five tables takes PostgreSQL
several times as long as to answer it. What ``accounts.prepared`` asks is prepared (SQL's PREPARE),
but not behind PgBouncer, which gives a connection to somebody else after each statement.
"""

import select
from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, AsIs, connection

from selene_project.postgresql.schema import DatabaseSchemaEditor


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor

    def get_new_connection(self, conn_params: dict[str, Any]) -> connection:
        self._prepared: set[str] = set()
        return super().get_new_connection(conn_params)

    def prepare(self, name: str, statement: str, parameters: Sequence[object]) -> bool:
        """Have ``statement`` planned as ``name``, unless it is; None stands for what will be given.

        Returns whether it is there to be executed.
        """
        if self.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
            return False
        if name not in self._prepared:
            places = iter(range(1, len(parameters) + 1))
            fixed = [AsIs(f"${next(places)}") if one is None else one for one in parameters]
            with self.connection.cursor() as cursor:
                cursor.execute(f"PREPARE {name} AS {statement}", fixed)
            self._prepared.add(name)
        return True

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
