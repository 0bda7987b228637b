"""Google, Facebook and GitHub as they answer, on a server of the test."""

import hashlib
import hmac
import re
import time

ALL = ["Google", "Facebook", "GitHub"]
PROVIDERS = {"Google": "google", "Facebook": "facebook", "GitHub": "github"}
NAMES = {
    "Google": ("GOOGLE_OAUTH_URL", "GOOGLE_ACCOUNTS_URL"),
    "Facebook": ("FACEBOOK_GRAPH_URL", "FACEBOOK_URL"),
    "GitHub": ("GITHUB_API_URL", "GITHUB_URL"),
}
TOKEN = "good-token"
SUBJECT = "1059876543210"
EMAIL = "ada@example.com"


def configure(settings, url):
    """Give the settings all three platforms, at ``url``."""
    for names in NAMES.values():
        for name in names:
            setattr(settings, name, url.rstrip("/"))
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "our-google", "google-secret"
    settings.FACEBOOK_APP_ID, settings.FACEBOOK_APP_SECRET = "271828", "facebook-secret"
    settings.GITHUB_CLIENT_ID, settings.GITHUB_CLIENT_SECRET = "our-github", "github-secret"


class Platforms:
    """What the three are asked in this test, and what they answer."""

    def __init__(self, httpserver):
        self.server = httpserver

    def know(self, platform, **person):
        """Let ``platform`` know a person by ``TOKEN``: see the method of its name."""
        getattr(self, f"_{platform.lower()}")(**person)

    def refuse(self, platform):
        """Let ``platform`` say, in its own way, that the token is no good."""
        if platform == "Google":
            self._answer("/tokeninfo", {"error_description": "Invalid Value"}, 400)
        elif platform == "Facebook":
            error = {"code": 190, "message": "Malformed access token"}
            self._answer("/debug_token", {"data": {"error": error, "is_valid": False}})
        else:
            self._answer("/applications/our-github/token", {"message": "Not Found"}, 404)

    def _google(self, email=EMAIL, subject=SUBJECT, app="our-google", verified="true", **claims):
        body = {"aud": app, "sub": subject, "email_verified": verified, "email": email} | claims
        body.setdefault("exp", str(int(time.time()) + 3600))
        self.server.expect_request(
            "/tokeninfo", method="POST", data=f"access_token={TOKEN}"
        ).respond_with_json({name: value for name, value in body.items() if value is not None})

    def _facebook(self, email=EMAIL, subject=SUBJECT, app="271828", verified=True):
        self.server.expect_request(
            "/debug_token",
            query_string={"input_token": TOKEN},
            headers={"Authorization": "Bearer 271828|facebook-secret"},
        ).respond_with_json({"data": {"app_id": app, "is_valid": True, "user_id": subject}})
        proof = hmac.new(b"facebook-secret", TOKEN.encode(), hashlib.sha256).hexdigest()
        shown = {"email": email} if verified and email else {}
        self.server.expect_request(
            "/me",
            query_string={"fields": "id,email", "appsecret_proof": proof},
            headers={"Authorization": f"Bearer {TOKEN}"},
        ).respond_with_json({"id": subject} | shown)

    def _github(self, email=EMAIL, subject=SUBJECT, app="our-github", verified=True):
        person = {"id": int(subject) if subject else None, "login": "ada"}
        self.server.expect_request(
            "/applications/our-github/token",
            method="POST",
            json={"access_token": TOKEN},
            # base64 of our-github:github-secret
            headers={"Authorization": "Basic b3VyLWdpdGh1YjpnaXRodWItc2VjcmV0"},
        ).respond_with_json({"app": {"client_id": app}, "user": person})
        addresses = [
            {"email": "old@example.com", "primary": False, "verified": True},
            {"email": email, "primary": True, "verified": verified},
        ]
        self._answer(
            "/user/emails",
            addresses if email else [],
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    def _answer(self, path, body, status=200, **expected):
        self.server.expect_request(path, **expected).respond_with_json(body, status=status)

    def break_all(self, status=500, body=b"<p>Sorry</p>"):
        """Let every call fail alike."""
        self.server.expect_request(re.compile(".*")).respond_with_data(
            body, status=status, content_type="text/html"
        )
