"""Family names, and the end of skills that nobody needs."""

import pytest

from market import registry
from market.tests.factories import gids, make_skill


@pytest.mark.parametrize(
    ("skill_gid", "family_name"),
    [
        ("mycroft-timer|21.02", "mycroft-timer"),
        ("@5c0ee3f5|mycroft-timer|21.02", "mycroft-timer"),
        ("@5c0ee3f5|my-folder", "my-folder"),
        ("@|my-folder", "my-folder"),
        ("mycroft-volume.mycroftai", "mycroft-volume.mycroftai"),
        ("homescreen.mark2", "homescreen"),
        ("mark2.homescreen", "mark2.homescreen"),
        ("plain", "plain"),
        ("|21.02", "|21.02"),
        ("@5c0ee3f5|", "@5c0ee3f5|"),
        (".mark2", ".mark2"),
    ],
)
def test_the_family_name_is_the_part_that_names_the_skill(skill_gid, family_name):
    assert registry.family_name(skill_gid) == family_name


def test_a_skill_keeps_its_id(db):
    first = registry.register(["a|1", "b|1"])

    second = registry.register(["b|1", "c|1", "a|1"])

    assert {gid: second[gid].pk for gid in first} == {gid: first[gid].pk for gid in first}
    assert set(second) == {"a|1", "b|1", "c|1"}


def test_only_the_skills_named_are_dropped(db):
    dropped, _ = make_skill("a|1"), make_skill("b|1")

    assert registry.drop_unused([dropped.pk]) == 1
    assert gids() == {"b|1"}
