"""manage.py load_skills."""

import json

import pytest
from django.core.management import CommandError, call_command

from market.models import CatalogueEntry
from operations.models import JobRun

METADATA = {"timer": {"skill_gid": "mycroft-timer|21.02", "title": "Timer"}, "odd": 5}


@pytest.fixture
def github(httpserver, settings):
    settings.SKILLS_URL = httpserver.url_for("")
    return httpserver


def test_a_file_is_loaded(db, tmp_path, capsys):
    file = tmp_path / "skill-metadata.json"
    file.write_text(json.dumps(METADATA))

    call_command("load_skills", "--core-version", "21.02", "--file", str(file))

    line = "core 21.02: 1 skills added, 0 updated, 0 unchanged, 0 removed, 1 unusable: odd"
    assert capsys.readouterr().out == f"{line}\n"
    assert CatalogueEntry.objects.get().display_data == METADATA["timer"]
    assert JobRun.objects.get().output == line


def test_without_a_file_it_is_downloaded(db, github):
    github.expect_request("/20.08/skill-metadata.json").respond_with_json(METADATA)

    call_command("load_skills", "--core-version", "20.08")

    assert CatalogueEntry.objects.get().core_version == "20.08"


def test_the_catalogue_that_is_shown_is_refreshed_by_default(db, github):
    github.expect_request("/21.02/skill-metadata.json").respond_with_json(METADATA)
    call_command("load_skills", "--core-version", "21.02")

    call_command("load_skills")

    assert JobRun.objects.first().output.startswith("core 21.02: 0 skills added")


def test_without_a_catalogue_the_core_version_must_be_told(db):
    with pytest.raises(CommandError, match="--core-version"):
        call_command("load_skills")


def test_a_failed_download_keeps_what_there_is_and_is_recorded(db, github):
    github.expect_ordered_request("/21.02/skill-metadata.json").respond_with_json(METADATA)
    call_command("load_skills", "--core-version", "21.02")
    github.expect_ordered_request("/21.02/skill-metadata.json").respond_with_data("", status=503)

    with pytest.raises(CommandError, match="not available"):
        call_command("load_skills")

    assert CatalogueEntry.objects.count() == 1
    assert [run.succeeded for run in JobRun.objects.all()] == [False, True]
