"""Finding the place that a person means, in the geography that ships."""

import json
import re
import uuid
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from geography import places
from geography.models import City, Country, Gazetteer, Region
from geography.names import other_names

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_places")]


@pytest.fixture(autouse=True)
def _nothing_is_kept():
    """Have each test look for itself."""
    Gazetteer.objects.update(revision=uuid.uuid4())


SEATTLE = {
    "city": "Seattle",
    "country": "United States",
    "latitude": 47.60621,
    "longitude": -122.33207,
    "region": "Washington",
    "timezone": "America/Los_Angeles",
}
KANSAS_CITY = {
    "city": "Kansas City",
    "country": "United States",
    "latitude": 39.09973,
    "longitude": -94.57857,
    "region": "Missouri",
    "timezone": "America/Chicago",
}
PARIS = {
    "city": "Paris",
    "country": "France",
    "latitude": 48.85341,
    "longitude": 2.3488,
    "region": "Île-de-France",
    "timezone": "Europe/Paris",
}
# What the first Selene answered
RECORDED = {
    "kansas city missouri": KANSAS_CITY,
    "kansas city": KANSAS_CITY,
    "seattle": SEATTLE,
    "SEATTLE": SEATTLE,
    "seattle qwerty": SEATTLE,
    "paris": PARIS,
    "france": PARIS,
    "portland oregon": {
        "city": "Portland",
        "country": "United States",
        "latitude": 45.52345,
        "longitude": -122.67621,
        "region": "Oregon",
        "timezone": "America/Los_Angeles",
    },
    "london ontario": {
        "city": "London",
        "country": "Canada",
        "latitude": 42.98339,
        "longitude": -81.23304,
        "region": "Ontario",
        "timezone": "America/Toronto",
    },
    "são paulo": {
        "city": "São Paulo",
        "country": "Brazil",
        "latitude": -23.5475,
        "longitude": -46.63611,
        "region": "São Paulo",
        "timezone": "America/Sao_Paulo",
    },
    "berlin germany": {
        "city": "Berlin",
        "country": "Germany",
        "latitude": 52.52437,
        "longitude": 13.41053,
        "region": "State of Berlin",
        "timezone": "Europe/Berlin",
    },
    "qwertyville": None,
}
# Texts and the city, region and country that they mean
MEANT = [
    ("portland maine", "Portland, Maine, United States"),
    ("Portland, Oregon", "Portland, Oregon, United States"),
    ("portland oregon usa", "Portland, Oregon, United States"),
    ("new york", "New York City, New York, United States"),
    ("new york city", "New York City, New York, United States"),
    ("san francisco california", "San Francisco, California, United States"),
    ("san francisco de macoris", "San Francisco de Macorís, Duarte Province, Dominican Republic"),
    ("los angeles ca usa", "Los Angeles, California, United States"),
    ("paris texas", "Paris, Texas, United States"),
    ("paris in texas", "Paris, Texas, United States"),
    ("Paris, US", "Paris, Texas, United States"),
    ("London, UK", "London, England, United Kingdom"),
    ("london united kingdom", "London, England, United Kingdom"),
    ("vancouver bc", "Vancouver, British Columbia, Canada"),
    ("vancouver washington", "Vancouver, Washington, United States"),
    ("perth wa", "Perth, Western Australia, Australia"),
    ("athens georgia", "Athens, Georgia, United States"),
    ("tbilisi georgia", "Tbilisi, Tbilisi, Georgia"),
    ("SAO PAULO", "São Paulo, São Paulo, Brazil"),
    ("lodz", "Łódź, Łódź Voivodeship, Poland"),
    ("o’fallon missouri", "O'Fallon, Missouri, United States"),
    ("winston salem", "Winston-Salem, North Carolina, United States"),
    ("saint louis", "St. Louis, Missouri, United States"),
    ("st louis missouri", "St. Louis, Missouri, United States"),
    ("ft worth", "Fort Worth, Texas, United States"),
    ("Washington, D.C.", "Washington, District of Columbia, United States"),
    ("cologne", "Köln, North Rhine-Westphalia, Germany"),
    ("bombay india", "Mumbai, Maharashtra, India"),
    ("quebec city", "Québec, Quebec, Canada"),
    # No city has the name
    ("bavaria", "Munich, Bavaria, Germany"),
    ("north carolina", "Charlotte, North Carolina, United States"),
    ("new jersey usa", "Newark, New Jersey, United States"),
    ("georgia", "Atlanta, Georgia, United States"),
    ("germany", "Berlin, State of Berlin, Germany"),
    ("UK", "London, England, United Kingdom"),
    ("U.S.A.", "New York City, New York, United States"),
    ("holland", "Rotterdam, South Holland, The Netherlands"),
    ("washington state", "Seattle, Washington, United States"),
]


@pytest.mark.parametrize("location", RECORDED)
def test_a_recorded_question_is_answered_as_recorded(location):
    assert places.find(location) == RECORDED[location]


@pytest.mark.parametrize(("location", "meant"), MEANT)
def test_a_text_means_a_place(location, meant):
    found = places.find(location)

    assert found
    assert f"{found['city']}, {found['region']}, {found['country']}" == meant


@pytest.mark.parametrize("location", ["", " ", "?", "\0", "\ud800", "qwerty " * 1000])
def test_a_text_that_fits_nothing_means_no_place(location):
    assert places.find(location) is None


def test_the_answer_is_what_the_api_sends():
    answer = places.find("seattle")

    assert json.loads(json.dumps(answer)) == SEATTLE


@pytest.mark.parametrize(("location", "queries"), [("seattle", 2), ("bavaria", 3), ("france", 4)])
def test_a_place_takes_few_queries(location, queries, django_assert_num_queries):
    with django_assert_num_queries(queries):
        places.find(location)


@hypothesis_settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(["san", "saint", "new", "york", "la", "x", "ł"]), max_size=400))
def test_any_text_takes_five_queries_at_most(words):
    with CaptureQueriesContext(connection) as queries:
        places.find(" ".join(words))

    assert len(queries) <= 5


@contextmanager
def explained_queries():
    """Collect the plans of the queries that run meanwhile."""
    plans = []

    def explain(execute, sql, params, many, context):
        execute(f"{connection.ops.explain_query_prefix()} {sql}", params, many, context)
        plans.append("\n".join(str(row[-1]) for row in context["cursor"].fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


@pytest.mark.parametrize("name", ["San Antonio", "santa cruz de la sierra", "x " * 100])
def test_no_query_scans_the_cities(name):
    with explained_queries() as plans:
        places.find(f"{name} qwerty")

    of_places = plans[1:]  # the first asks for the revision
    assert len(of_places) == 4
    assert not [
        plan for plan in of_places if re.search(r"(Seq Scan on|SCAN) (geography_city|U0)", plan)
    ]
    assert all(re.search("index", plan, re.IGNORECASE) for plan in of_places)


@pytest.mark.parametrize(
    ("kind", "model"), [("cities", City), ("regions", Region), ("countries", Country)]
)
def test_every_other_name_leads_to_a_place_that_ships(kind, model):
    usual = set(getattr(other_names(), kind).values())

    found = set(model.objects.filter(search_name__in=usual).values_list("search_name", flat=True))

    assert found == usual


def test_every_code_stands_for_a_region_that_ships():
    usual = set(other_names().codes.values())

    found = set(Region.objects.filter(search_name__in=usual).values_list("search_name", flat=True))

    assert found == usual
