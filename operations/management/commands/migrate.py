"""Django's own, with migrations that are made and noted in one transaction."""

from django.core.management.commands import migrate

from operations import migrating

# The command takes it from there, and knows no other way to be given one.
migrate.MigrationExecutor = migrating.Executor  # type: ignore[attr-defined]


class Command(migrate.Command):
    """See ``operations.migrating``."""
