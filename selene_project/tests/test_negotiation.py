"""Whatever a client says it would rather accept."""

import pytest


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "image/png;q=1", "nonsense", "", "a/b," * 9_000])
def test_an_api_answers_json(api, accept):
    response = api.get("/v1/device/code?state=9f0c", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["state"] == "9f0c"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/vnd.oai.openapi", "application/vnd.oai.openapi"),
        ("application/json", "application/json"),
    ],
)
def test_what_has_several_forms_comes_in_the_one_that_is_accepted(api, accept, content_type):
    response = api.get("/v1/schema", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.headers["Content-Type"].partition(";")[0] == content_type
