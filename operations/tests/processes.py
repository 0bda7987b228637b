"""The server's processes, as a person at the terminal and the machine see them."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tools.live import ROOT, STOP_LIMIT
from tools.test_services import RUN_FOLDER

PASSWORD = re.compile(r"^  ([a-z2-9]{4}(?:-[a-z2-9]{4}){3})$", re.MULTILINE)


def run_folder():
    return Path(os.environ[RUN_FOLDER])


class Process:
    """A command of manage.py, in a session of its own with the environment of ``server``."""

    def __init__(self, server, *arguments, **environment):
        self.server = server
        self._output = server.data_dir / f"output-{time.monotonic_ns()}"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=server.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.id = self._process.pid

    def output(self):
        return self._output.read_text()

    def has_ended(self):
        return self._process.poll() is not None

    def wait(self):
        return self._process.wait(STOP_LIMIT)

    def kill(self):
        """End the whole session at once."""
        for process_id in session(self.id):
            os.kill(process_id, signal.SIGKILL)
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()


def session(leader):
    """Return the command lines of the live processes of a session, by process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session_id = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if state != "Z" and int(session_id) == leader:
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # ended meanwhile
            continue
    return found


def children(parent, words):
    """Return the process ids of what ``parent`` started whose command line holds ``words``."""
    stats = {pid: Path(f"/proc/{pid}/stat").read_text() for pid in in_session(parent, words)}
    return [pid for pid, text in stats.items() if int(text.rpartition(")")[2].split()[1]) == parent]


def in_session(leader, words):
    """Return the process ids of a session whose command line holds ``words``."""
    return [pid for pid, line in session(leader).items() if words in line]


def printed_passwords(text):
    return PASSWORD.findall(text)
