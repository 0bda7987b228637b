"""systemd's units, the examples of settings, and what Docker builds and starts."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
SERVICES = ["selene.service", "selene-web@.service", "selene-scheduler.service"]
HARDLY_EXPOSED = 20  # of 100, by systemd's own reckoning; most services of Debian have 96

pytestmark = pytest.mark.household  # the same in both shapes
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def units(tmp_path):
    """The units, as if the server were installed where they say."""
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/selene/current/.venv/bin/python", sys.executable)
        text = text.replace("/opt/selene/current", str(ROOT))
        (tmp_path / path.name.replace("@.", "@8004.")).write_text(text.replace("%i", "8004"))
    return tmp_path


def analyze(*arguments):
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def settings_in(unit):
    """Return what each section says; of a key that comes twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS / unit)
    return parser


@needs_systemd
def test_systemd_takes_the_units(units):
    status, told = analyze("verify", *map(str, sorted(units.iterdir())))

    ours = [line for line in told.splitlines() if "selene" in line]
    assert (status, ours) == (0, [])


@needs_systemd
@pytest.mark.parametrize("unit", [*SERVICES, "selene-backup.service"])
def test_a_service_that_is_broken_into_reaches_little(units, unit):
    path = units / unit.replace("@.", "@8004.")

    status, told = analyze(
        "security", "--offline=true", f"--threshold={HARDLY_EXPOSED}", "--no-pager", str(path)
    )

    assert status == 0, told


def test_the_backup_runs_a_command_that_there_is():
    service = settings_in("selene-backup.service")["Service"]
    folder = service["ReadWritePaths"]

    assert f"manage.py backup {folder}/" in service["ExecStart"]
    assert (ROOT / "operations/management/commands/backup.py").exists()


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_runs_a_command_that_there_is(unit):
    service = settings_in(unit)["Service"]
    program, script, command = service["ExecStart"].split()

    assert program == f"{service['WorkingDirectory']}/.venv/bin/python"
    assert (ROOT / script).exists()
    assert (ROOT / f"operations/management/commands/{command}.py").exists()
    assert service["User"] == "selene"
    assert "SELENE_DATA_DIR=/var/lib/selene" in service["Environment"]
    assert service["StateDirectory"] == "selene"


def test_the_time_to_stop_is_longer_than_the_server_takes():
    example = environment_in(DEPLOY / "selene.env.example")
    needed = int(example["SELENE_DRAIN_SECONDS"]) + int(example["SELENE_STOP_SECONDS"])

    assert int(settings_in("selene-web@.service")["Service"]["TimeoutStopSec"]) > needed + 5


def test_a_server_drains_for_longer_than_nginx_keeps_idle_connections():
    kept = re.findall(r"keepalive_timeout (\d+)s;", (DEPLOY / "nginx/selene.conf").read_text())
    example = environment_in(DEPLOY / "selene.env.example")

    assert kept
    assert all(int(seconds) < int(example["SELENE_DRAIN_SECONDS"]) for seconds in kept)


def environment_in(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def documented():
    rows = (ROOT / "docs/configuration.md").read_text()
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", rows, re.MULTILINE))


def test_the_example_of_settings_names_settings_that_there_are():
    text = (DEPLOY / "selene.env.example").read_text()
    names = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))

    assert names <= documented()
    assert {"DATABASE_URL", "REDIS_URL", "SELENE_FIELD_KEY"} <= names


def test_the_example_of_settings_holds_no_secret():
    secret = re.compile(r"SECRET|PASSWORD|KEY|TOKEN")
    example = environment_in(DEPLOY / "selene.env.example")

    assert {value for name, value in example.items() if secret.search(name)} == {""}


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_what_docker_starts_is_set_by_settings_that_there_are():
    services = compose()["services"]
    ours = [service for service in services.values() if "build" in service]
    names = {name for service in ours for name in service["environment"]}

    assert len(ours) == 2
    assert names <= documented()
    assert set(services) == {"web", "scheduler", "postgresql", "redis"}
    assert all("healthcheck" in service for name, service in services.items() if name != "web")


def test_only_the_web_server_is_reached_from_outside():
    services = compose()["services"]

    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert compose()["networks"]["inside"] == {"internal": True}
    assert services["postgresql"]["networks"] == services["redis"]["networks"] == ["inside"]


def test_each_service_starts_after_what_it_needs_is_well():
    services = compose()["services"]
    needed = {"postgresql", "redis"}

    assert needed <= services["web"]["depends_on"].keys()
    assert set(services["scheduler"]["depends_on"]) >= {"web"}
    for service in ("web", "scheduler"):
        waits = services[service]["depends_on"].values()
        assert {each["condition"] for each in waits} == {"service_healthy"}


def instructions():
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_runs_a_command_that_there_is_and_not_as_root():
    last = dict(instructions())  # of an instruction that comes twice, the last

    assert last["USER"] == "selene"
    assert last["CMD"] == '["python", "manage.py", "serve"]'
    assert last["HEALTHCHECK"].endswith('CMD ["python", "deploy/healthcheck.py"]')
    assert len([name for name, _ in instructions() if name == "FROM"]) == 2


def test_what_the_image_copies_is_there():
    copied = [
        source
        for name, arguments in instructions()
        if name == "COPY" and "--from" not in arguments
        for source in arguments.split()[:-1]
        if not source.startswith("--")
    ]

    assert copied
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_has_no_secret_and_no_data_of_this_machine():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    text = (DEPLOY / "Dockerfile").read_text()

    assert {"**", "!requirements.txt"} <= set(ignored)
    assert not [line for line in ignored if line.startswith(("!var", "!.venv", "!.git"))]
    assert not re.search(r"(SECRET|PASSWORD|TOKEN)\w*=", text)
