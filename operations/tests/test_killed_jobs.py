"""Each command that writes, killed at each of its steps and run again."""

import re
import shutil
import tempfile
from collections import Counter

import pytest
from django.core.cache import cache
from django.core.management import call_command, get_commands

from operations import bulk, demo
from operations.jobs import DIED
from operations.models import JobRun
from operations.tests import killing
from operations.tests.killed_jobs import JOBS
from operations.tests.killing import DONE, KILLED, REFUSED, command

pytestmark = pytest.mark.django_db(transaction=True)

# What writes nothing that a second run could find half done, or has tests of its own
OTHERS = {"migrate", "restore", "run_jobs", "serve"}


@pytest.fixture
def world(settings, tmp_path, monkeypatch, httpserver):
    """Return a function that makes a job and what there is for it to do, in an empty world."""
    monkeypatch.setattr(demo, "SKILLED", 5)
    monkeypatch.setattr(bulk, "BATCH", 7)
    folder = tmp_path / "world"

    def make(kind):
        shutil.rmtree(folder, ignore_errors=True)
        settings.DATA_DIR = folder / "data"
        settings.DATA_DIR.mkdir(parents=True)
        (folder / "temporary").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        monkeypatch.chdir(folder)
        job = kind(folder, settings, httpserver)
        job.arrange()
        return job

    return make


def named(name):
    """Return the command and the kind of job; the first word is the command."""
    only_fleet = pytest.mark.fleet if name == "update_last_contact" else ()
    return pytest.param(name.split(",")[0], JOBS[name], id=name, marks=only_fleet)


def finish(job):
    for arguments in job.finish():
        assert killing.run(command(*arguments)) == DONE
    return job.result(), files(job.folder)


def files(folder):
    """Return what there is in the folder, less what is by chance in names."""
    names = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return Counter(re.sub(r"[0-9T-]{19}-[0-9a-f]{16}", "#", name) for name in names)


def kill_at_each_step(job, work):
    """Run ``work`` again and again, killed ever later; return how often, and how it ended."""
    for deaths, step in enumerate(killing.steps()):
        job.again()
        outcome = killing.run(work, step)
        if outcome != KILLED:
            return deaths, outcome


@pytest.mark.parametrize(("name", "kind"), [named(name) for name in JOBS])
def test_killed_at_any_step_and_run_again_it_has_done_what_it_does_undisturbed(name, kind, world):
    job = world(kind)
    work = command(name, *kind.arguments)
    assert killing.run(work) == DONE
    undisturbed = finish(job)
    call_command("flush", interactive=False, verbosity=0)
    cache.clear()

    job = world(kind)
    deaths, outcome = kill_at_each_step(job, work)

    assert outcome == (REFUSED if kind.ends_refused else DONE)
    assert deaths
    assert finish(job) == undisturbed
    runs = JobRun.objects.filter(name=name)
    assert not runs.filter(ended_at=None).exists()
    if runs.count() > 1:
        assert set(runs.filter(succeeded=False).values_list("output", flat=True)) >= {DIED}


def test_no_command_is_forgotten():
    ours = {name for name, app in get_commands().items() if app in ("accounts", "operations")}

    assert ours - OTHERS == {name.split(",")[0] for name in JOBS}
