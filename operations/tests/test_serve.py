import os
import signal
import socket
import time
from contextlib import closing

import pytest
import requests

from operations.tests.processes import (
    Process,
    children,
    in_session,
    printed_passwords,
    run_folder,
    session,
)
from tools import services
from tools.live import LiveServer

ROWS = """
from accounts.models import Account, Agreement, Membership
from devices.models import Voice, WakeWord
from geography.models import City, Country, Region, Timezone
from market.models import CatalogueEntry
from operations.models import JobRun
models = [Account, Agreement, Membership, Voice, WakeWord, City, Country, Region, Timezone]
runs = JobRun.objects.filter(name__in=["migrate", "load_geonames", "load_skills"])
for rows in [*(model.objects.all() for model in [*models, CatalogueEntry]), runs]:
    print(rows.model.__name__, hash(tuple(sorted(str(row) for row in rows.values_list()))))
"""


def make_server():
    return LiveServer(run_folder(), is_fleet=os.environ["SELENE_TEST_SHAPE"] == "fleet")


@pytest.fixture
def new_server():
    """A server that has never been started."""
    with closing(make_server()) as server:
        yield server


@pytest.fixture(scope="module")
def used_server():
    with closing(make_server()) as server:
        server.environment["PYTHONHASHSEED"] = "1"  # for ``rows``
        server.environment["DJANGO_SECRET_KEY"] = "very-secret-in-the-environment-of-a-server"
        yield server


@pytest.fixture
def server(used_server):
    """A running server whose database other tests have used."""
    used_server.start()
    yield used_server
    used_server.kill()


def rows(server):
    return server.manage("shell", "-v0", "--no-imports", "-c", ROWS)


def ended(leader):
    return lambda: not session(leader)


def is_ready(server):
    try:
        return requests.get(f"{server.url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def log_in_to_admin(server, password):
    browser = requests.Session()
    url = f"{server.url}/admin/login/"
    browser.get(url, timeout=10)
    form = {"username": "owner@selene.home", "password": password, "next": "/admin/"}
    form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
    return browser.post(url, data=form, timeout=30)


def test_the_first_start_tells_a_password_that_lets_the_owner_into_the_admin(new_server):
    new_server.start()

    [password] = printed_passwords(new_server.output())
    page = log_in_to_admin(new_server, password)

    assert page.status_code == 200
    assert page.url == f"{new_server.url}/admin/"
    assert "owner@selene.home" in new_server.output()


@pytest.mark.household
def test_a_wrong_password_does_not_let_anyone_into_the_admin(server):
    page = log_in_to_admin(server, "aaaa-bbbb-cccc-dddd")

    assert page.url == f"{server.url}/admin/login/"


def test_a_second_start_changes_nothing_and_is_quick(server):
    before = rows(server)
    server.terminate()

    begin = time.monotonic()
    server.start()
    seconds = time.monotonic() - begin

    assert rows(server) == before
    assert len(printed_passwords(server.output())) == 1
    assert seconds < 15  # 2 s on a machine that does nothing else


@pytest.mark.household
def test_what_an_operator_changed_outlives_a_start(server):
    change = "from devices.models import Voice; Voice.objects.filter(engine='google').delete()"
    server.manage("shell", "-c", change)
    server.terminate()

    server.start()

    count = "from devices.models import Voice; print(Voice.objects.filter(engine='google').count())"
    assert server.manage("shell", "-v0", "--no-imports", "-c", count) == "0\n"


@pytest.mark.parametrize("how", ["interrupt", "terminate"])
def test_being_asked_to_end_it_ends_at_once_with_status_0_and_leaves_nothing(server, how):
    leader = server.process_id

    begin = time.monotonic()
    status = getattr(server, how)()

    assert status == 0
    assert time.monotonic() - begin < 5
    services.wait_until(ended(leader), what="processes are left", limit=2)
    assert server.output().endswith("Ctrl-C ends it.\n")


@pytest.mark.household
@pytest.mark.parametrize("seconds", [0.9, 1.5, 2.5, 4])
def test_ctrl_c_while_starting_ends_it_without_a_traceback(new_server, seconds):
    process = Process(new_server, "serve")
    time.sleep(seconds)

    for process_id in session(process.id):
        os.kill(process_id, signal.SIGINT)

    # 130: Python was not far enough to know better
    assert process.wait() in {0, 130}
    services.wait_until(ended(process.id), what="processes are left", limit=5)
    assert "Traceback" not in process.output()


def test_killed_at_any_moment_of_the_first_start_it_starts_as_if_nothing_had_happened(new_server):
    told = ""
    for tenths in (8, 13, 18, 23, 30, 40):
        process = Process(new_server, "serve")
        time.sleep(tenths / 10)
        process.kill()
        told += process.output()

    new_server.start()

    told += new_server.output()
    assert "Traceback" not in told
    counts = "from geography.models import City; from accounts.models import Account; "
    counts += "print(City.objects.count() > 60_000, Account.objects.count())"
    assert new_server.manage("shell", "-v0", "--no-imports", "-c", counts) == "True 1\n"
    password = printed_passwords(told)[-1]
    assert log_in_to_admin(new_server, password).url == f"{new_server.url}/admin/"


def test_when_the_master_is_killed_all_ends_and_a_restart_works_at_once(server):
    leader = server.process_id

    os.kill(leader, signal.SIGKILL)
    with Process(server, "serve") as again:
        services.wait_until(ended(leader), what="orphans are left", limit=8)
        services.wait_until(lambda: is_ready(server), what="no server", limit=30)

        assert "taken" not in again.output()


@pytest.mark.household
def test_when_a_worker_is_killed_another_takes_its_place(server):
    workers = set(in_session(server.process_id, "gunicorn")) - {server.process_id}

    for worker in workers:
        os.kill(worker, signal.SIGKILL)

    services.wait_until(lambda: is_ready(server), what="no worker", limit=20)
    assert not set(workers) & set(session(server.process_id))
    assert len(in_session(server.process_id, "gunicorn")) == 1 + len(workers)


def test_when_the_scheduler_is_killed_another_takes_its_place(server):
    [scheduler] = children(server.process_id, "run_jobs")

    os.kill(scheduler, signal.SIGKILL)

    def is_replaced():
        return set(children(server.process_id, "run_jobs")) - {scheduler}

    services.wait_until(is_replaced, what="no scheduler", limit=20)


@pytest.mark.household
def test_a_killed_scheduler_leaves_the_web_server_alone(server):
    [scheduler] = children(server.process_id, "run_jobs")

    os.kill(scheduler, signal.SIGKILL)

    assert is_ready(server)


@pytest.mark.household
def test_without_jobs_no_scheduler_is_started(make_live_server):
    server = make_live_server(SELENE_RUN_JOBS="false")

    assert in_session(server.process_id, "run_jobs") == []
    assert server.terminate() == 0


@pytest.mark.household
def test_a_port_that_another_program_has_is_told_in_one_line(new_server):
    port = new_server.port
    with socket.create_server(("127.0.0.1", port)), Process(new_server, "serve") as process:
        status = process.wait()

        assert status == 1
        assert process.output() == (
            f"Waiting for port {port}, which is in use\n"
            f"CommandError: Port {port} is taken by another program: stop it, or choose "
            f"another: PORT={port + 1} make run\n"
        )


@pytest.mark.household
def test_several_processes_without_redis_are_refused(new_server):
    with Process(new_server, "serve", SELENE_WORKERS="2") as process:
        assert process.wait() == 1
        assert process.output() == (
            "CommandError: SELENE_WORKERS is 2, but REDIS_URL is not set: several processes need "
            "it to share a cache. Set it, or have one worker.\n"
        )


def test_two_that_start_at_once_on_one_database_make_one_owner_and_both_serve(new_server):
    with Process(new_server, "serve") as first, Process(new_server, "serve", PORT="0") as second:

        def are_serving():
            assert not first.has_ended(), first.output()
            assert not second.has_ended(), second.output()
            return all("Selene is at" in process.output() for process in (first, second))

        services.wait_until(are_serving, what="not both are up", limit=90)
        services.wait_until(lambda: is_ready(new_server), what="no server", limit=20)

        output = first.output() + second.output()
        count = "from accounts.models import Account; print(Account.objects.count())"
        assert new_server.manage("shell", "-v0", "--no-imports", "-c", count) == "1\n"
        assert len(printed_passwords(output)) == 1
        assert "Traceback" not in output


@pytest.mark.household
def test_nobody_sees_a_secret_in_the_process_list_or_the_log(server):
    kept = (server.data_dir / "secrets.env").read_text().splitlines()
    secrets = [line.partition("=")[2] for line in kept]
    secrets.append(server.environment["DJANGO_SECRET_KEY"])

    seen = server.output() + "".join(session(server.process_id).values())

    assert len(secrets) == 6
    assert not [secret for secret in secrets if secret in seen]


@pytest.mark.household
def test_only_the_owner_of_the_data_folder_can_read_what_is_in_it(server):
    names = [path.name for path in server.data_dir.glob("se*")]  # the others are the tests'
    modes = {name: (server.data_dir / name).stat().st_mode & 0o077 for name in names}

    assert {"secrets.env", "selene.sqlite3"} <= set(names)
    assert modes == dict.fromkeys(names, 0)


@pytest.mark.fleet
def test_a_database_that_stays_away_is_told_in_one_line_without_its_password(new_server):
    new_server.environment["DATABASE_URL"] = "postgres://selene:hidden@127.0.0.1:1/selene"

    with Process(new_server, "serve") as process:
        status = process._process.wait(60)

        assert status == 1
        assert process.output().startswith("Waiting for the database\nCommandError: ")
        assert "hidden" not in process.output()
        assert "Traceback" not in process.output()
