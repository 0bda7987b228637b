"""Loading the catalogue."""

from pathlib import Path

import pytest

from market import catalogue
from market.models import CatalogueEntry
from market.tests.factories import gids, install, make_catalogue_entry
from market.upstream import skill_metadata

SHIPPED = Path(__file__).parents[2] / "fixtures" / "skills"


def metadata(*skill_gids, **parts):
    return {gid: {"skill_gid": gid, "name": gid.split("|")[0]} | parts for gid in skill_gids}


def ids():
    return dict(CatalogueEntry.objects.values_list("skill__skill_gid", "pk"))


def test_the_shipped_catalogues_load_whole(db):
    counts = {
        core: catalogue.load(core, skill_metadata.read(SHIPPED / f"skill-metadata-{core}.json"))
        for core in ("19.02", "20.08", "21.02")
    }

    assert counts == {
        "19.02": catalogue.Counts(added=79, updated=0, unchanged=0, removed=0),
        "20.08": catalogue.Counts(added=77, updated=0, unchanged=0, removed=0),
        "21.02": catalogue.Counts(added=78, updated=0, unchanged=0, removed=0),
    }
    timer = CatalogueEntry.objects.get(skill__skill_gid="mycroft-timer|21.02")
    assert timer.skill.family_name == "mycroft-timer"
    assert timer.display_data["title"] == "Timer"


def test_loading_again_changes_nothing(db):
    shipped = skill_metadata.read(SHIPPED / "skill-metadata-21.02.json")
    catalogue.load("21.02", shipped)
    before = ids()

    counts = catalogue.load("21.02", shipped)

    assert counts == catalogue.Counts(added=0, updated=0, unchanged=78, removed=0)
    assert ids() == before


def test_a_load_updates_in_place_adds_and_removes(db):
    catalogue.load("21.02", metadata("stays|1", "changes|1", "goes|1"))
    before = ids()

    counts = catalogue.load(
        "21.02", metadata("stays|1", "comes|1") | metadata("changes|1", title="New")
    )

    assert counts == catalogue.Counts(added=1, updated=1, unchanged=1, removed=1)
    after = ids()
    assert set(after) == {"stays|1", "changes|1", "comes|1"}
    assert {gid: after[gid] for gid in ("stays|1", "changes|1")} == {
        gid: before[gid] for gid in ("stays|1", "changes|1")
    }
    assert CatalogueEntry.objects.get(pk=after["changes|1"]).display_data["title"] == "New"


def test_core_versions_have_catalogues_of_their_own(db):
    catalogue.load("20.08", metadata("a|1"))

    catalogue.load("21.02", metadata("b|1"))

    assert set(ids()) == {"a|1", "b|1"}


def test_a_skill_that_leaves_the_catalogue_stays_while_a_device_has_it(device):
    make_catalogue_entry("kept|1")
    make_catalogue_entry("gone|1")
    install(device, "kept|1")

    catalogue.load("21.02", metadata("new|1"))

    assert gids() == {"kept|1", "new|1"}


def nested(depth):
    """Return lists within lists."""
    return [nested(depth - 1)] if depth else []


def test_entries_that_cannot_be_used_are_counted_and_named(db):
    odd = {
        "text": "x",
        "no gid": {"name": "x"},
        "empty gid": {"skill_gid": ""},
        "number": {"skill_gid": 5},
        "long": {"skill_gid": "a" * 301},
        "nul": {"skill_gid": "nul|1", "title": "\x00"},
        "deep": {"skill_gid": "deep|1", "title": nested(300)},
        "again": {"skill_gid": "a|1"},
    }

    counts = catalogue.load("21.02", metadata("a|1") | odd)

    assert counts == catalogue.Counts(1, 0, 0, 0, rejected=tuple(odd))
    assert str(counts) == (
        "1 skills added, 0 updated, 0 unchanged, 0 removed, "
        "8 unusable: text, no gid, empty gid, number, long, nul, deep, again"
    )
    assert gids() == {"a|1"}


@pytest.mark.parametrize("odd", [{}, {"a": 1}, {"a": {"name": "a"}}])
def test_a_catalogue_without_a_usable_entry_empties_nothing(db, odd):
    catalogue.load("21.02", metadata("a|1"))

    with pytest.raises(skill_metadata.Unusable):
        catalogue.load("21.02", odd)

    assert gids() == {"a|1"}


@pytest.mark.parametrize("core_version", ["", "21", "../21.02", "21.02/x", "٢١.٠٢", "21.02\n"])
def test_a_core_version_that_is_none_is_refused(db, core_version):
    with pytest.raises(skill_metadata.Unusable):
        catalogue.load(core_version, metadata("a|1"))

    with pytest.raises(skill_metadata.Unusable):
        skill_metadata.download(core_version)


def test_the_newest_catalogue_is_shown_whatever_was_loaded_last(db):
    for core in ("21.02", "9.8", "20.08"):
        catalogue.load(core, metadata("a|1"))

    assert catalogue.shown_version() == "21.02"


def test_no_catalogue_is_shown_where_none_is_loaded(db):
    assert catalogue.shown_version() == ""


@pytest.mark.parametrize("number", [1, 3, 60])
def test_a_load_costs_the_same_whatever_its_size(db, django_assert_max_num_queries, number):
    with django_assert_max_num_queries(13):
        catalogue.load("21.02", metadata(*(f"{each}|1" for each in range(number))))


@pytest.fixture
def github(httpserver, settings):
    settings.SKILLS_URL = httpserver.url_for("")
    return httpserver


def test_a_catalogue_is_downloaded_from_the_branch_of_its_core_version(github):
    github.expect_request("/21.02/skill-metadata.json").respond_with_json(metadata("a|1"))

    assert skill_metadata.download("21.02") == metadata("a|1")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'"text"', b'{"a": "\\ud800"}'])
def test_a_download_that_is_no_catalogue_is_unusable(github, content):
    github.expect_request("/21.02/skill-metadata.json").respond_with_data(content)

    with pytest.raises(skill_metadata.Unusable):
        skill_metadata.download("21.02")


def test_an_unknown_core_version_is_unusable(github):
    github.expect_request("/99.99/skill-metadata.json").respond_with_data("404", status=404)

    with pytest.raises(skill_metadata.Unusable, match=r"99\.99 not available"):
        skill_metadata.download("99.99")


def test_a_download_that_does_not_end_is_cut_off(github, monkeypatch):
    monkeypatch.setattr(skill_metadata, "LIMIT_BYTES", 1000)
    github.expect_request("/21.02/skill-metadata.json").respond_with_data("x" * 100_000)

    with pytest.raises(skill_metadata.Unusable, match="over 1000 bytes"):
        skill_metadata.download("21.02")


def test_nobody_answering_is_unusable(settings):
    settings.SKILLS_URL = "http://127.0.0.1:9"

    with pytest.raises(skill_metadata.Unusable, match="not available"):
        skill_metadata.download("21.02")


def test_a_file_that_is_not_there_is_unusable(tmp_path):
    with pytest.raises(skill_metadata.Unusable, match="No such file"):
        skill_metadata.read(tmp_path / "none.json")
