import json
import re
import socket

import pytest

pytestmark = pytest.mark.django_db


def snippets(page):
    """Return what the page shows to be copied, as text."""
    found = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page.content.decode(), re.DOTALL)
    assert not any("&" in text for text in found)
    return found


def test_the_home_page_shows_the_configuration_of_a_device_that_calls_this_server(api):
    page = api.get("/", headers={"Host": "selene.lan:8123"})

    assert page.status_code == 200
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert json.loads(snippets(page)[0]) == {
        "server": {
            "url": "http://selene.lan:8123",
            "version": "v1",
            "backend_type": "personal",
            "disabled": False,
        }
    }


def test_a_visitor_on_the_servers_own_machine_is_shown_its_address_in_the_network(api, settings):
    settings.BIND = "0.0.0.0"

    page = api.get("/", headers={"Host": "localhost:8000"})

    url = json.loads(snippets(page)[0])["server"]["url"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    assert url == f"http://{address}:80"


def test_where_only_this_machine_can_call_the_page_says_so(api, settings):
    settings.BIND = "127.0.0.1"

    page = api.get("/", headers={"Host": "localhost:8000"})

    assert json.loads(snippets(page)[0])["server"]["url"] == "http://localhost:8000"
    assert "Other machines do not know this one as" in page.content.decode()


def test_a_host_name_cannot_bring_markup_into_the_page(api):
    page = api.get("/", headers={"Host": "<script>alert(1)</script>"})

    assert page.status_code == 400
    assert page.json() == {"error": "bad request"}


def test_the_home_page_needs_nothing_from_elsewhere_and_no_script(api):
    text = api.get("/").content.decode()

    assert not re.search(r"<script|<img|src=|@import|url\(", text)
    assert re.findall(r'<link[^>]* href="([^:"]*):', text) == ["data"]


@pytest.mark.parametrize(
    ("apis", "links"),
    [
        (["device"], ["/v1/docs"]),
        (["sso", "account"], ["/api/docs"]),
        (["admin"], ["/admin/"]),
        (
            ["account", "device", "admin"],
            ["/admin/", "/api/docs", "/v1/docs", "/admin/devices/device/add/"],
        ),
    ],
)
def test_the_home_page_leads_to_what_this_process_serves(api, settings, apis, links):
    settings.SELENE_APIS = apis

    text = api.get("/").content.decode()

    assert re.findall(r'href="(/[^"]*)"', text) == links
    assert ("Pair a device" in text) == ("device" in apis)
