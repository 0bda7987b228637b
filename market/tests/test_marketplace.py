"""GET /api/skills/available and /api/skills/<market id>."""

import json
import time
import uuid
from urllib.parse import quote

import pytest
from django.conf import settings as project
from django.utils.html import escape

from market import catalogue
from market.models import CatalogueEntry
from market.tests.factories import make_catalogue_entry

pytestmark = pytest.mark.django_db
WEATHER = {
    "skill_gid": "skill-weather|21.02",
    "repo": "https://github.com/MycroftAI/skill-weather",
    "name": "skill-weather",
    "title": "Weather",
    "display_name": "Weather",
    "short_desc": "Conditions and _forecasts_",
    "description": "From [OWM](https://openweathermap.org).",
    "examples": ["What is the weather?", "Will it rain?"],
    "credits": [{"name": "Mycroft AI", "github_id": "MycroftAI"}],
    "categories": ["Daily", "Information"],
    "platforms": ["platform_mark1", "platform_plasmoid"],
    "tags": ["forecast", "system"],
    "icon": {"icon": "sun", "color": "#FEE255"},
}


@pytest.fixture(scope="module")
def shipped():
    return json.loads((project.FIXTURES_DIR / "skills/skill-metadata-21.02.json").read_text())


def names(response):
    assert response.status_code == 200
    return [skill["displayName"] for skill in response.json()["skills"]]


def test_a_skill_is_listed_with_all_that_the_page_shows(api):
    catalogue.load("21.02", {"skill-weather": WEATHER})
    entry = CatalogueEntry.objects.get()

    response = api.get("/api/skills/available")

    assert response.status_code == 200
    assert response.json() == {
        "skills": [
            {
                "id": str(entry.pk),
                "displayName": "Weather",
                "summary": "Conditions and _forecasts_",
                "icon": {"icon": "sun", "color": "#FEE255"},
                "iconImage": None,
                "trigger": "What is the weather?",
                "marketCategory": "Daily",
                "isSystemSkill": True,
                "isMycroftMade": True,
            }
        ]
    }


def test_a_skill_s_page_has_all_of_it_its_markdown_as_html(api):
    catalogue.load("21.02", {"skill-weather": WEATHER})
    entry = CatalogueEntry.objects.get()

    response = api.get(f"/api/skills/{entry.pk}")

    assert response.status_code == 200
    assert response.json() == {
        "id": str(entry.pk),
        "displayName": "Weather",
        "summary": "<p>Conditions and <em>forecasts</em></p>",
        "description": '<p>From <a href="https://openweathermap.org">OWM</a>.</p>',
        "categories": ["Daily", "Information"],
        "credits": [{"name": "Mycroft AI", "githubId": "MycroftAI"}],
        "icon": {"icon": "sun", "color": "#FEE255"},
        "iconImage": None,
        "isSystemSkill": True,
        "repositoryUrl": "https://github.com/MycroftAI/skill-weather",
        "triggers": ["What is the weather?", "Will it rain?"],
        "worksOnMarkOne": True,
        "worksOnMarkTwo": False,
        "worksOnPicroft": False,
        "worksOnKDE": True,
    }


def test_a_skill_of_which_hardly_anything_is_known_is_shown_all_the_same(api):
    entry = make_catalogue_entry("bare|21.02")

    [summary] = api.get("/api/skills/available").json()["skills"]
    detail = api.get(f"/api/skills/{entry.pk}").json()

    icon = {"icon": "puzzle-piece", "color": "#22a7f0"}
    assert summary == {
        "id": str(entry.pk),
        "displayName": "bare",
        "summary": "",
        "icon": icon,
        "iconImage": None,
        "trigger": None,
        "marketCategory": "Undefined",
        "isSystemSkill": False,
        "isMycroftMade": False,
    }
    assert detail == {
        "id": str(entry.pk),
        "displayName": "bare",
        "summary": "",
        "description": "",
        "categories": ["Undefined"],
        "credits": [],
        "icon": icon,
        "iconImage": None,
        "isSystemSkill": False,
        "repositoryUrl": None,
        "triggers": [],
        "worksOnMarkOne": False,
        "worksOnMarkTwo": False,
        "worksOnPicroft": False,
        "worksOnKDE": False,
    }


@pytest.mark.parametrize("odd", [None, 5, True, {"a": 1}, [None, 3, {}], [[]], ""])
def test_what_an_author_got_wrong_hides_no_skill(api, odd):
    written = dict.fromkeys(WEATHER.keys() - {"skill_gid"}, odd)
    entry = make_catalogue_entry("odd|21.02", **written)

    responses = [api.get("/api/skills/available"), api.get(f"/api/skills/{entry.pk}")]

    assert [response.status_code for response in responses] == [200, 200]
    assert len(names(responses[0])) == 1


@pytest.mark.parametrize(
    ("data", "icon", "image"),
    [
        ({"icon_img": "https://x.org/i.png"}, None, "https://x.org/i.png"),
        ({"icon_img": "javascript:alert(1)"}, {"icon": "puzzle-piece", "color": "#22a7f0"}, None),
        ({"icon": {"icon": "sun"}}, {"icon": "sun", "color": "#22a7f0"}, None),
        (
            {"icon": {"icon": "sun", "color": "#fff"}, "icon_img": "http://x.org/i.png"},
            {"icon": "sun", "color": "#fff"},
            "http://x.org/i.png",
        ),
    ],
)
def test_a_skill_has_an_icon_or_an_image(api, data, icon, image):
    make_catalogue_entry("a|21.02", **data)

    [skill] = api.get("/api/skills/available").json()["skills"]

    assert (skill["icon"], skill["iconImage"]) == (icon, image)


@pytest.mark.parametrize(
    "dangerous",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '<img src="x" onerror="alert(1)">',
        "<a href='data:text/html,x'>x</a>",
        "<iframe src='https://x.org'></iframe>",
        "<style>*{display:none}</style>",
    ],
)
def test_html_in_the_catalogue_does_no_harm(api, dangerous):
    entry = make_catalogue_entry("a|21.02", description=f"Hi {dangerous}", short_desc=dangerous)

    skill = api.get(f"/api/skills/{entry.pk}").json()

    html = (skill["description"] + skill["summary"]).lower()
    assert "hi" in html
    for harm in ("script", "onerror", "data:", "iframe", "style"):
        assert harm not in html


@pytest.mark.parametrize(
    "stalling", ["[" * 9_000, "<![CDATA[" * 1_000, "[a](<" * 2_000, ">" * 20_000, "a&" * 8_000]
)
def test_text_that_would_stall_the_parser_is_shown_as_it_is(api, stalling):
    entry = make_catalogue_entry("a|21.02", description=stalling)
    begun = time.process_time()

    skill = api.get(f"/api/skills/{entry.pk}").json()

    assert skill["description"] == f"<p>{escape(stalling)}</p>"
    assert time.process_time() - begun < 2


def test_a_skill_that_is_not_there_is_404(api):
    paths = [f"/api/skills/{uuid.uuid4()}", "/api/skills/timer", "/api/skills/5"]

    responses = [api.get(path) for path in paths]

    assert [response.status_code for response in responses] == [404, 404, 404]
    assert {tuple(response.json()) for response in responses} == {("error",)}


def test_skills_are_listed_by_name_whatever_its_case(api):
    for title in ("zork", "Alarm", "wiki", "Weather"):
        make_catalogue_entry(f"{title.lower()}|21.02", display_name=title)

    assert names(api.get("/api/skills/available")) == ["Alarm", "Weather", "wiki", "zork"]


@pytest.mark.parametrize("field", ["title", "description", "short_desc"])
def test_a_search_looks_into_texts(api, field):
    texts = {"display_name": "found", field: "Tells the WEATHER of tomorrow"}
    make_catalogue_entry("found|21.02", **texts)
    make_catalogue_entry("other|21.02", **{field: "Nothing"})

    assert names(api.get("/api/skills/available?search=weather+OF")) == ["found"]


@pytest.mark.parametrize("field", ["categories", "tags", "examples"])
def test_a_search_looks_into_lists(api, field):
    make_catalogue_entry("found|21.02", **{field: ["Nothing", "Will it Rain?"]})
    make_catalogue_entry("other|21.02", **{field: ["Nothing"]})

    assert names(api.get("/api/skills/available?search=it+rAIN")) == ["found"]


@pytest.mark.parametrize("term", ["", "undefined", "%20", "Undefined"])
def test_no_term_finds_all(api, term):
    make_catalogue_entry("a|21.02")
    make_catalogue_entry("b|21.02")

    assert names(api.get(f"/api/skills/available?search={term}")) == ["a", "b"]


@pytest.mark.parametrize(
    "term",
    ["100% [sure]", "c++ & c#", "Wie heißt's?", "a'; DROP TABLE", "%", "_", "\\", '"q"', "é\n"],
)
def test_a_term_may_hold_any_character(api, term):
    make_catalogue_entry("found|21.02", description=f"Is it {term}?")
    make_catalogue_entry("other|21.02", description="Nothing")

    once = api.get(f"/api/skills/available?search={quote(term)}")
    twice = api.get(f"/api/skills/available?search={quote(quote(term))}")

    assert names(once) == ["found"]
    assert names(twice) == ["found"]


@pytest.mark.parametrize("term", ["%ff%fe", "%ED%A0%80", "%2500", "%25ff", "x" * 5_000])
def test_a_term_that_makes_no_sense_finds_nothing(api, term):
    make_catalogue_entry("a|21.02")

    assert names(api.get(f"/api/skills/available?search={term}")) == []


def test_the_newest_catalogue_is_shown_or_the_configured(api, settings):
    make_catalogue_entry("old|20.08", core_version="20.08")
    make_catalogue_entry("new|21.02", core_version="21.02")
    newest = names(api.get("/api/skills/available"))

    settings.CORE_VERSION = "20.08"
    configured = names(api.get("/api/skills/available"))
    settings.CORE_VERSION = "19.02"
    not_loaded = names(api.get("/api/skills/available"))

    assert (newest, configured, not_loaded) == (["new"], ["old"], [])


def test_before_a_catalogue_is_loaded_the_list_is_empty(api):
    assert names(api.get("/api/skills/available")) == []


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_one_query_and_another_when_it_has_changed(
    api, django_assert_num_queries, count
):
    for number in range(count):
        make_catalogue_entry(f"{number}|21.02")

    with django_assert_num_queries(2):
        api.get("/api/skills/available")
    with django_assert_num_queries(1):
        response = api.get("/api/skills/available?search=")

    assert len(names(response)) == count


def test_a_skill_s_page_costs_one_query(api, django_assert_num_queries):
    entry = make_catalogue_entry("a|21.02")

    with django_assert_num_queries(1):
        api.get(f"/api/skills/{entry.pk}")


def test_a_browser_that_holds_the_list_is_not_sent_it_again(api):
    make_catalogue_entry("a|21.02")
    first = api.get("/api/skills/available")

    again = api.get("/api/skills/available", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert first.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize("new", [{"a": {"skill_gid": "a|1", "title": "New"}}, {"b": WEATHER}])
def test_a_new_catalogue_is_shown_at_once(api, new):
    catalogue.load("21.02", {"a": {"skill_gid": "a|1", "title": "Old"}})
    first = api.get("/api/skills/available")
    catalogue.load("21.02", new)

    again = api.get("/api/skills/available", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 200
    assert names(again) == [each["title"] for each in new.values()]


def test_a_catalogue_that_was_loaded_again_keeps_ids_and_tag(api):
    catalogue.load("21.02", {"skill-weather": WEATHER})
    first = api.get("/api/skills/available")

    catalogue.load("21.02", {"skill-weather": WEATHER})
    again = api.get("/api/skills/available", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304


def test_the_marketplace_asks_nobody_who_they_are(api):
    make_catalogue_entry("a|21.02")
    api.cookies["seleneAccess"] = "worthless"

    assert names(api.get("/api/skills/available")) == ["a"]


@pytest.mark.parametrize("path", ["available", "status", str(uuid.UUID(int=1))])
def test_what_is_read_is_not_written(api, path):
    response = api.post(f"/api/skills/{path}", {})

    assert response.status_code in (401, 405)
    assert list(response.json()) == ["error"]


def test_the_shipped_catalogue_is_shown_whole(api, shipped):
    catalogue.load("21.02", shipped)

    listed = api.get("/api/skills/available").json()["skills"]
    found = names(api.get("/api/skills/available?search=WEATHER"))
    pages = [api.get(f"/api/skills/{skill['id']}").json() for skill in listed]

    assert len(listed) == len(shipped) == 78
    assert found == ["Homescreen", "Weather"]
    assert all(skill["icon"] or skill["iconImage"] for skill in listed)
    assert all(page["categories"] and page["description"] for page in pages)
    assert sorted(page["displayName"] for page in pages) == sorted(
        each["display_name"] for each in shipped.values()
    )
