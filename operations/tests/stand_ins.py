"""Stand-ins for all outside services, on one server, for tests of the live server.

Each service has a function that makes its stand-in answer below a path of its own, and returns
the environment variables that point the server there.
"""

from contextlib import contextmanager

from pytest_httpserver import HTTPServer

from accounts.tests import stripe_stand_in
from accounts.tests.stripe_stand_in import StripeStandIn


def _stripe(httpserver):
    return {
        "STRIPE_API_BASE": StripeStandIn(httpserver, "/stripe").url,
        "STRIPE_PRIVATE_KEY": stripe_stand_in.KEY,
        "STRIPE_WEBHOOK_SECRET": stripe_stand_in.WEBHOOK_SECRET,
        "URL_VOICE_ARM": httpserver.url_for("/voice/arm"),
    }


SERVICES = (_stripe,)


@contextmanager
def running():
    """Yield the environment of a server that calls the stand-ins, as long as they run."""
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as httpserver:
        environment = {}
        for service in SERVICES:
            environment |= service(httpserver)
        yield environment
