"""A management command whose runs are recorded."""

from typing import Any

from django.core.management.base import BaseCommand

from operations import jobs


class JobCommand(BaseCommand):
    """A job: ``run`` does it and returns a line with what came of it."""

    is_frequent = False  # every minute or more often: only news are recorded

    def run(self, **options: Any) -> str:  # noqa: ANN401 - as BaseCommand.handle
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> str:  # noqa: ANN401
        record = jobs.record_news if self.is_frequent else jobs.record
        with record(self.name) as run:
            run.output = self.run(**options)
        return run.output

    @property
    def name(self) -> str:
        """The name of the command, which is that of its module."""
        return type(self).__module__.rpartition(".")[2]
