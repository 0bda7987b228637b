"""Migrations that are made and noted in one transaction.

Django commits a migration first and notes it then, if it has anything to do at its end (indexes of
new tables, foreign keys). A process that is killed in between leaves tables that the next one would
make again, and fail.
"""

from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState


class Executor(MigrationExecutor):
    """Applies each migration, with the note of it, as a whole or not at all.

    On PostgreSQL those that say ``atomic = False`` are left out: they build indexes while others
    write, and can be begun again (``selene_project/postgresql/schema.py``).
    """

    def apply_migration(
        self,
        state: ProjectState,
        migration: Migration,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        if not migration.atomic and self.connection.vendor == "postgresql":
            return super().apply_migration(state, migration, fake, fake_initial)
        # SQLite's schema editor wants that, and it cannot be done within a transaction.
        with (
            self.connection.constraint_checks_disabled(),
            transaction.atomic(self.connection.alias),
        ):
            return super().apply_migration(state, migration, fake, fake_initial)
