"""One account edited by its owner, by an operator and by a command at once, while it polls.

Each editor changes something of its own and then asks as a device that holds a tag: neither may
another editor's write undo it, nor a 304 hide it.
"""

import copy
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from html.parser import HTMLParser

import requests

from tools.faults.clients import Device, Owner, Server
from tools.live import ROOT, LiveServer

PREFERENCES = {"measurementSystem": "Metric", "timeFormat": "12 Hour", "dateFormat": "MM/DD/YYYY"}
TIME_FORMATS = {"24 Hour": "full", "12 Hour": "half"}  # what the device is told of each
DATE_FORMATS = {"DD/MM/YYYY": "DMY", "MM/DD/YYYY": "MDY"}
ADMIN = "/admin/devices/accountpreferences/"
MAKE_STAFF = """
from accounts.models import Account
Account.objects.create_superuser("{email}", "{password}")
"""
COMMAND = """
import sys
from accounts.models import Account
from devices import preferences
account = Account.objects.get(email=sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    preferences.amend(account, date_format=line.strip())
    print("done", flush=True)
"""
Edit = Callable[[int], None]
Shows = Callable[[Device, int], bool]


def edit_at_once(server: LiveServer, times: int) -> list[str]:
    """Let three edit one account ``times`` each; return what went wrong."""
    owner = Owner(Server(server.port))
    device = Device(owner)
    owner.ask("POST", "/api/preferences", PREFERENCES)
    wrong: list[str] = []
    with _Operator(server) as operator, _Command(server, owner.email) as command:
        editors: dict[str, tuple[Edit, Shows]] = {
            "the owner": (
                lambda number: _rename(device, number),
                lambda seen, number: _held(seen, "", "description") == str(number),
            ),
            "the operator": (
                lambda number: operator.change(_turn(TIME_FORMATS, number)[0]),
                lambda seen, number: (
                    _held(seen, "/setting", "timeFormat") == _turn(TIME_FORMATS, number)[1]
                ),
            ),
            "the command": (
                lambda number: command.change(_turn(DATE_FORMATS, number)[0]),
                lambda seen, number: (
                    _held(seen, "/setting", "dateFormat") == _turn(DATE_FORMATS, number)[1]
                ),
            ),
        }
        threads = [
            threading.Thread(target=_work, args=(name, *each, copy.deepcopy(device), times, wrong))
            for name, each in editors.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return wrong


def _work(
    name: str, edit: Edit, shows: Shows, device: Device, times: int, wrong: list[str]
) -> None:
    try:
        for number in range(1, times + 1):
            edit(number)
            # The second time by tag
            if not (shows(device, number) and shows(device, number)):
                wrong.append(f"{name}'s edit {number} is not shown")
    except Exception as error:
        wrong.append(f"{name}: {error!r}")


def _turn(texts: dict[str, str], number: int) -> tuple[str, str]:
    return list(texts.items())[(number + 1) % 2]


def _rename(device: Device, number: int) -> None:
    answer = device.rename_placement(str(number))
    if answer.status != 204:
        raise RuntimeError(f"PATCH: {answer.status}")


def _held(device: Device, path: str, name: str) -> str:
    status, body = device.poll(path)
    if status not in {200, 304}:
        raise RuntimeError(f"poll: {status}")
    return str(body[name])


class _Command:
    """A command of manage.py that goes on changing one account's date format."""

    def __init__(self, server: LiveServer, email: str) -> None:
        script = f"import sys; sys.argv = ['', {email!r}]\n{COMMAND}"
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v0", "--no-imports", "-c", script],
            cwd=ROOT,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def change(self, date_format: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{date_format}\n")
        self._process.stdin.flush()
        self._expect("done")

    def __enter__(self) -> "_Command":
        self._expect("ready")
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate(timeout=30)

    def _expect(self, word: str) -> None:
        assert self._process.stdout
        if (line := self._process.stdout.readline().strip()) != word:
            raise RuntimeError(f"the command said {line!r} and not {word!r}")


class _Operator:
    """Somebody of the staff who changes the only preferences there are in the back office."""

    def __init__(self, server: LiveServer) -> None:
        email, password = "operator@selene.example", "a-password-of-an-operator"
        server.manage("shell", "-c", MAKE_STAFF.format(email=email, password=password))
        self._url = server.url
        self._browser = requests.Session()
        page = self._get("/admin/login/")
        self._send(page, {"username": email, "password": password})

    def change(self, time_format: str) -> None:
        page = self._get(self._path)
        self._send(page, {"time_format": time_format, "_continue": "Save"})

    def __enter__(self) -> "_Operator":
        found = re.search(rf'href="({ADMIN}[^"/]+/change/)', self._get(ADMIN).text)
        if found is None:
            raise RuntimeError("no preferences in the back office")
        self._path = found[1]
        return self

    def __exit__(self, *error: object) -> None:
        self._browser.close()

    def _get(self, path: str) -> requests.Response:
        return self._browser.get(self._url + path, timeout=30)

    def _send(self, page: requests.Response, change: dict[str, str]) -> None:
        form = _Form(page.text).fields | change
        answer = self._browser.post(page.url, data=form, timeout=30)
        answer.raise_for_status()
        if "errornote" in answer.text or answer.url.endswith("/login/"):
            raise RuntimeError(f"the back office refuses {change} at {answer.url}")


class _Form(HTMLParser):
    """What a browser would send of a page's fields if nothing was changed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = values.get("name", "")
        elif tag == "option" and "selected" in values:
            self.fields[self._select] = values.get("value", "")
        elif tag == "input" and values.get("type") in {"hidden", "text"} and "name" in values:
            self.fields[values["name"]] = values.get("value", "")
