"""Ends with status 0 if the web server beside it answers: what Docker asks every few seconds.

It does not ask whether the database does (/readyz): that is not made better by a restart.
"""

import os
import sys
import urllib.error
import urllib.request

port = os.environ.get("PORT", "8000")
# The server answers to its own names only, of which ".selene.example" stands for many.
name = os.environ.get("SELENE_ALLOWED_HOSTS", "*").split(",")[0].strip().lstrip(".")
headers = {"Host": "localhost" if name == "*" else name}
request = urllib.request.Request(f"http://127.0.0.1:{port}/livez", headers=headers)  # noqa: S310
try:
    urllib.request.urlopen(request, timeout=4).close()  # noqa: S310
except (OSError, urllib.error.URLError) as error:
    sys.exit(f"/livez: {error}")
