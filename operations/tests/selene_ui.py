"""Selene UI in a browser, as the server meets it."""

import base64
import secrets

import requests

from operations.tests import descriptions

NO_LOGIN = {"email": None, "password": None, "federatedPlatform": None, "federatedToken": None}


def btoa(text):
    """Encode as the browser's function of that name, which knows Latin-1 only."""
    return base64.b64encode(text.encode("latin-1")).decode()


class Browser:
    """A tab with Selene UI from the server's own origin, and the cookies the server has set."""

    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.email = f"{secrets.token_hex(6)}@example.com"
        self.password = "Zoë's kitchen: 7 café :||: spoons"

    def ask(self, method, path, body=None, **headers):
        """Return status and JSON, None for an empty body; text would be an error to Selene UI."""
        headers |= {"Sec-Fetch-Site": "same-origin"}
        if method != "GET":
            headers |= {"Origin": self.url}
        options = {"headers": headers, "timeout": 30} | ({} if body is None else {"json": body})
        response = self.session.request(method, self.url + path, **options)
        assert descriptions.problem(response) is None
        return response.status_code, response.json() if response.content else None

    def get(self, path):
        return self.ask("GET", path)

    def document_cookie(self):
        """Return what scripts see of the cookies."""
        cookies = [each for each in self.session.cookies if not _is_hidden(each)]
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)

    def sign_up(self, encode=btoa, **login):
        chosen = {"email": encode(self.email), "password": encode(self.password)}
        body = {"termsOfUse": True, "privacyPolicy": True, "login": NO_LOGIN | chosen | login}
        return self.ask("POST", "/api/account", body)

    def log_in(self):
        basic = btoa(f"{self.email}:||:{self.password}")
        return self.ask("GET", "/api/internal-login", Authorization=f"Basic {basic}")


def _is_hidden(cookie):
    return cookie.has_nonstandard_attr("HttpOnly") or cookie.has_nonstandard_attr("httponly")
