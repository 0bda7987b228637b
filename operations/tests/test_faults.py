"""What a server that is in use does when something of it breaks, and when many want one thing.

``python -m tools.faults`` does the same for longer and prints what was seen.
"""

import os
import secrets
from contextlib import closing

import pytest

from operations.tests.processes import run_folder
from tools import services
from tools.faults import crowds, editors, faults
from tools.faults.clients import Server
from tools.live import LiveServer, prepared

IS_FLEET = os.environ["SELENE_TEST_SHAPE"] == "fleet"
MILD = {"SELENE_RUN_JOBS": "false", "SELENE_STAFF_TWO_STEP": "false"}
# A worker that is killed takes with it what it was answering.
OF_A_KILL = {"RemoteDisconnected", "ConnectionResetError"}


@pytest.fixture(scope="module")
def server():
    template = prepared(run_folder(), is_fleet=IS_FLEET)
    with closing(LiveServer(run_folder(), is_fleet=IS_FLEET, template=template, **MILD)) as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def fragile_rig():
    """A server whose PostgreSQL may be killed: it loses nothing that it acknowledged."""
    folder = run_folder() / f"postgresql-{secrets.token_hex(4)}"
    postgresql = services.PostgreSQL(run_folder(), folder, keeps_commits=True)
    with closing(LiveServer(run_folder(), is_fleet=True, **MILD)) as server:
        server.environment["DATABASE_URL"] = postgresql.url()
        server.start()
        yield faults.Rig(server, postgresql)
    postgresql.stop()


def results(seen):
    """Return the ways in which requests were answered."""
    return {name.rpartition(" ")[2] for name in seen.answers}


@pytest.mark.fleet
@pytest.mark.parametrize("name", [name for name in faults.FLEET if name.startswith("Redis")])
def test_without_redis_everything_is_answered_and_nothing_is_lost(server, name):
    seen = faults.inflict(faults.Rig(server), faults.FLEET[name], households=4, seconds=1)

    assert results(seen) <= {"200", "204", "304"}, seen
    assert (seen.failed, seen.stale, seen.lost) == (0, 0, 0), seen
    assert seen.normal_after is not None


def test_a_worker_that_is_killed_takes_its_own_answers_along_and_no_others(server):
    seen = faults.inflict(
        faults.Rig(server), faults.HOUSEHOLD["a worker killed"], households=4, seconds=1
    )

    allowed = OF_A_KILL | ({"ConnectionRefusedError"} if not IS_FLEET else set())
    assert results(seen) <= {"200", "204", "304"} | allowed, seen
    assert (seen.stale, seen.lost) == (0, 0), seen
    assert seen.normal_after is not None


def test_clients_that_send_a_byte_a_second_are_in_nobodys_way(server):
    slow = faults.HOUSEHOLD["clients that send a byte a second"]

    seen = faults.inflict(faults.Rig(server), slow, households=4, seconds=1)

    assert (seen.failed, seen.stale, seen.lost) == (0, 0, 0), seen


@pytest.mark.household
def test_with_a_full_disk_nothing_that_was_acknowledged_is_lost(server):
    seen = faults.inflict(
        faults.Rig(server), faults.HOUSEHOLD["the disk full"], households=2, seconds=1
    )

    assert results(seen) <= {"200", "204", "304", "503"}, seen
    assert (seen.stale, seen.lost) == (0, 0), seen
    assert seen.normal_after is not None


@pytest.mark.fleet
def test_while_postgresql_restarts_503_is_answered_and_nothing_is_lost(fragile_rig):
    restart = faults.FLEET["PostgreSQL killed, and started"]

    seen = faults.inflict(fragile_rig, restart, households=4, seconds=1)

    assert results(seen) <= {"200", "204", "304", "503"}, seen
    assert (seen.stale, seen.lost) == (0, 0), seen
    assert seen.normal_after is not None


def test_devices_that_pair_at_once_are_all_paired(server):
    devices = 60  # 200 with the script
    patient = Server(server.port, patience=60)

    assert crowds.pair(patient, devices=devices, owners=6) == devices


def test_of_twenty_who_claim_a_code_at_once_one_gets_the_device(server):
    assert crowds.claim(Server(server.port), claims=20) == {204: 1, 400: 19}


def test_owner_operator_and_command_do_not_undo_or_hide_each_others_edits(server):
    assert editors.edit_at_once(server, 8) == []
