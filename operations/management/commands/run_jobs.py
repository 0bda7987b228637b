"""Runs the jobs when they are due; any number of these may run, one acts."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from operations.scheduler import Scheduler


class Command(BaseCommand):
    help = "Run the jobs when they are due. Any number may run, on any machines: one acts."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-parent", action="store_true", help="End when the standard input does."
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        Scheduler(parent=sys.stdin.fileno() if options["with_parent"] else None).run()
