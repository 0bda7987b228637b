"""Starts the server: what ``make run`` runs."""

import os
import signal
import sys
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations import serving, startup


class Command(BaseCommand):
    help = "Prepare the database, load reference data, make the first owner, and serve."
    requires_system_checks = []  # serving.check runs those that matter
    is_asked_to_end = False

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        for number in serving.STOP_SIGNALS:
            signal.signal(number, self._end)
        sys.unraisablehook = _report_unraisable
        os.umask(0o077)  # the data folder holds what only its owner may read
        try:
            warnings = serving.check()
            listener = serving.listen(self.say)
            startup.prepare(self.say)
        except (serving.Unsafe, serving.PortTaken, startup.DatabaseAway) as error:
            raise CommandError(str(error)) from error
        for warning in warnings:
            self.stderr.write(f"Warning: {warning}")
        self.say(self._guide())
        serving.hold_signals_back()
        if self.is_asked_to_end:
            raise SystemExit(0)
        serving.become_gunicorn(listener)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _guide(self) -> str:
        """Return where to go next."""
        home = f"http://localhost:{settings.PORT}"
        lines = [f"\nSelene is at {home}, which says how to pair a device"]
        if settings.BIND in serving.ANY_ADDRESS and (address := serving.address_at_home()):
            lines.append(f"  from elsewhere   http://{address}:{settings.PORT}")
        if "admin" in settings.SELENE_APIS:
            lines.append(f"  administration   {home}/admin/")
        lines.append(f"  API              {home}/api/docs and {home}/v1/docs")
        lines.append(f"  data folder      {settings.DATA_DIR}")
        lines.append("Ctrl-C ends it.")
        return "\n".join(lines)

    def _end(self, number: int, frame: FrameType | None) -> None:
        """End before there is a server, as it would end itself: without a traceback, status 0."""
        self.is_asked_to_end = True  # noted too, since an exception can get lost in a finalizer
        raise SystemExit(0)


def _report_unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Report an exception that got lost in a finalizer, unless it is our own wish to end."""
    if not isinstance(lost.exc_value, SystemExit):
        sys.__unraisablehook__(lost)
