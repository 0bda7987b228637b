"""deploy/nginx, as it runs in front of servers."""

import http.client
import json
import threading
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools import nginx
from tools.live import free_port

APIS = ("sso", "account", "market", "device", "admin")
HOSTS = {
    "sso.selene.example": "sso",
    "account.selene.example": "account",
    "market.selene.example": "market",
    "api.selene.example": "device",
    "admin.selene.example": "admin",
}

pytestmark = [
    pytest.mark.household,  # the servers behind are stand-ins: the same in both shapes
    pytest.mark.skipif(not nginx.is_installed(), reason="nginx is not installed"),
]


class StandIn(ThreadingHTTPServer):
    """A server that tells its name and what it was asked."""

    daemon_threads = True

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), Told)
        self.name = name
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


class Told(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {
            "server": self.server.name,
            "path": self.path,
            "size": len(body),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def stand_ins():
    with ExitStack() as stack:
        yield {api: stack.enter_context(closing(StandIn(api))) for api in APIS}


@pytest.fixture(scope="module")
def proxy(stand_ins, tmp_path_factory):
    upstreams = {f"selene_{api}": [server.port] for api, server in stand_ins.items()}
    folder = tmp_path_factory.mktemp("nginx") / "four"
    with closing(nginx.Nginx(folder, "selene.conf", upstreams)) as proxy:
        proxy.start()
        yield proxy


@pytest.mark.parametrize("configuration", ["selene.conf", "selene-one-host.conf"])
def test_nginx_takes_the_configuration(tmp_path, configuration):
    proxy = nginx.Nginx(tmp_path / "nginx", configuration, {})

    assert proxy.check() == ""


@pytest.mark.parametrize(("host", "api"), HOSTS.items())
def test_each_host_leads_to_its_api(proxy, host, api):
    told = proxy.ask(host, "/api/a%20b//c?d=%2F").json()

    assert (told["server"], told["path"]) == (api, "/api/a%20b//c?d=%2F")
    assert told["headers"]["host"] == host


def test_the_server_is_told_who_asks_and_never_what_clients_claim(proxy):
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.9",
        "Proxy": "http://evil.example",
    }

    headers = proxy.ask("api.selene.example", "/v1/device/code", headers=claims).json()["headers"]

    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert not {"x-forwarded-host", "forwarded", "proxy"} & headers.keys()


@pytest.mark.parametrize(
    ("host", "path", "size", "status"),
    [
        ("account.selene.example", "/api/skills/a/settings", 1_000_000, 200),
        ("account.selene.example", "/api/skills/a/settings", 1_100_000, 413),
        ("api.selene.example", "/v1/stt?lang=en-US&limit=1", 4_000_000, 200),
        ("api.selene.example", "/v1/stt?lang=en-US&limit=1", 4_300_000, 413),
        ("api.selene.example", "/v1/transcribe", 4_000_000, 200),
        ("account.selene.example", "/v1/stt", 1_100_000, 413),
    ],
)
def test_bodies_over_the_limit_are_refused_in_json(proxy, host, path, size, status):
    answer = proxy.ask(host, path, method="POST", body=b"a" * size)

    assert answer.status == status
    if status == 413:
        assert answer.json() == {"error": "request body too large"}
    else:
        assert answer.json()["size"] == size


def test_metrics_are_not_for_the_internet(proxy):
    assert proxy.ask("api.selene.example", "/metrics").status == 404


def test_plain_http_is_sent_to_https_and_told_nothing(proxy):
    client = http.client.HTTPConnection("127.0.0.1", proxy.http_port, timeout=10)
    client.request("GET", "/api/account?a=b", headers={"Host": "account.selene.example"})
    response = client.getresponse()
    client.close()

    assert response.status == 301
    assert response.headers["Location"] == "https://account.selene.example/api/account?a=b"


def test_a_host_that_is_not_ours_gets_no_answer(proxy):
    with pytest.raises(OSError, match="(?i)unrecognized name|handshake"):
        proxy.ask("other.example", "/")


def test_the_log_holds_no_query_and_no_referrer(proxy):
    headers = {"Referer": "https://sso.selene.example/change-password?token=secret-1"}
    proxy.ask("sso.selene.example", "/change-password?token=secret-2", headers=headers)

    written = "".join(path.read_text() for path in proxy.folder.glob("*.log"))

    assert 'sso.selene.example "GET /change-password" 200' in written
    assert "secret" not in written


def test_servers_that_are_away_are_told_in_json_and_another_is_asked(stand_ins, tmp_path):
    upstreams = {
        "selene_device": [free_port(), stand_ins["device"].port],
        "selene_account": [free_port()],
    }
    with closing(nginx.Nginx(tmp_path / "nginx", "selene.conf", upstreams)) as proxy:
        proxy.start()
        served = [
            proxy.ask("api.selene.example", "/v1/x", method="POST", body=b"{}").status
            for _ in range(4)
        ]
        away = proxy.ask("account.selene.example", "/api/account")

    assert served == [200] * 4
    assert (away.status, away.json()) == (503, {"error": "not available, try again"})
    assert away.headers["Retry-After"] == "5"
