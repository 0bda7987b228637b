"""Django's PostgreSQL, which builds indexes while others write where a migration lets it.

``CREATE INDEX`` makes everybody who writes to the table wait until it is built: minutes, with
millions of rows. ``CREATE INDEX CONCURRENTLY`` does not, but takes no part in a transaction. So a
migration that adds an index to a table that a fleet already has does nothing else and says
``atomic = False``: its ``AddIndex`` is concurrent on PostgreSQL, and as ever on SQLite.

What is not in a transaction can be cut off halfway. An index that was built but not noted is taken
as it is, one that was not built to its end is dropped and built anew.
"""

import time

from django.db.backends.postgresql import schema
from django.db.models import Index, Model

IS_VALID = """
    SELECT indisvalid FROM pg_index
    WHERE indexrelid = to_regclass(quote_ident(%s)) AND indrelid = to_regclass(quote_ident(%s))
"""
IS_BEING_BUILT = """
    SELECT 1 FROM pg_stat_progress_create_index WHERE index_relid = to_regclass(quote_ident(%s))
"""
PAUSE = 0.5  # seconds


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    def add_index(self, model: type[Model], index: Index, concurrently: bool = False) -> None:
        """Add an index; outside of a transaction without making writers wait."""
        if self.connection.in_atomic_block or self.collect_sql:
            return super().add_index(model, index, concurrently)
        while self._ask(IS_BEING_BUILT, index.name):  # by another server that starts with us
            time.sleep(PAUSE)
        is_valid = self._ask(IS_VALID, index.name, model._meta.db_table)
        if is_valid:
            return None
        if is_valid is False:
            super().remove_index(model, index, concurrently=True)
        return super().add_index(model, index, concurrently=True)

    def _ask(self, sql: str, *names: str) -> bool | None:
        """Return the first value of the answer, None without one."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, names)
            row = cursor.fetchone()
        return bool(row[0]) if row else None
