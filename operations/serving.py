"""Becoming the web server: the port, the last checks, gunicorn in this process's place."""

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.core import checks
from django.db import connections
from gunicorn import systemd

PORT_PATIENCE = 8.0  # seconds that processes of a server that was killed may take to end
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104
SAFETY = [checks.Tags.security, "operations"]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class PortTaken(Exception):
    """Another program listens there."""


class Unsafe(Exception):
    """The settings must not be served with; the text says which and what to do."""


def listen(say: Callable[[str], None]) -> socket.socket:
    """Return a socket that listens where the settings say, to be inherited by gunicorn.

    If systemd listens for us (a unit of type socket), it is that socket, which outlives us: who
    calls while the server is started again waits, and is not refused.

    Raises:
        PortTaken: by a program that is not about to end.
    """
    if systemd.listen_fds():
        return socket.socket(fileno=systemd.SD_LISTEN_FDS_START)
    deadline = time.monotonic() + PORT_PATIENCE
    is_told = False
    while True:
        try:
            return _listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                place = f"{settings.BIND}, port {settings.PORT}"
                raise PortTaken(f"Cannot listen on {place}: {error.strerror}.") from error
            if time.monotonic() > deadline:
                advice = f"stop it, or choose another: PORT={settings.PORT + 1} make run"
                reason = f"Port {settings.PORT} is taken by another program: {advice}"
                raise PortTaken(reason) from error
        if not is_told:
            say(f"Waiting for port {settings.PORT}, which is in use")
            is_told = True
        time.sleep(0.2)


def check() -> list[str]:
    """Return what should be better about the settings.

    Raises:
        Unsafe: something is not to be served with.
    """
    # The others are for developers, and slow.
    found = checks.run_checks(tags=SAFETY, include_deployment_checks=True)
    found = [message for message in found if not message.is_silenced()]
    errors = [message for message in found if message.is_serious()]
    if errors:
        raise Unsafe("\n".join(_tell(message) for message in errors))
    # Django's own warnings are advice about https, which a household has not.
    return [_tell(message) for message in found if (message.id or "").startswith("operations.")]


def hold_signals_back() -> None:
    """Let Ctrl-C wait until gunicorn can act on it: deploy/gunicorn.conf.py lets it through."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def become_gunicorn(listener: socket.socket) -> None:
    """Replace this process by gunicorn, which takes over ``listener``."""
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    listener.set_inheritable(True)
    os.chdir(settings.BASE_DIR)
    # Else glibc keeps memory for each of many threads, and much of it for good.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    program = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"]
    os.execv(sys.executable, [*program, "--bind", f"fd://{listener.fileno()}"])  # noqa: S606


def address_at_home() -> str:
    """Return this machine's address in its network, "" without one. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that nobody has (RFC 5737)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _listen() -> socket.socket:
    host = settings.BIND.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server(
        (host, settings.PORT),
        family=family,
        backlog=2048,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )


def _tell(message: checks.CheckMessage) -> str:
    return " ".join(filter(None, [message.msg, message.hint]))
