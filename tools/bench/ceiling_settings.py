"""The server's settings, which its gunicorn worker reads, without all that costs a request time."""

from selene_project.settings import *  # noqa: F403

INSTALLED_APPS = []
MIDDLEWARE = []
ROOT_URLCONF = "tools.bench.ceiling_urls"
