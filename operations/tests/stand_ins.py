"""Stand-ins for all outside services, on one server, for tests of the live server.

Each service has a function that makes its stand-in answer below a path of its own, and returns
the environment variables that point the server there.
"""

import json
import re
from contextlib import contextmanager

from pytest_httpserver import HTTPServer
from werkzeug import Response

from accounts.tests import stripe_stand_in
from accounts.tests.stripe_stand_in import StripeStandIn
from devices.tests import pantacor_stand_in
from devices.tests.pantacor_stand_in import PantacorStandIn, fleet_device

RECORDED_RUN = "b987402c"  # it is in the names of what was recorded


def _stripe(httpserver):
    return {
        "STRIPE_API_BASE": StripeStandIn(httpserver, "/stripe").url,
        "STRIPE_PRIVATE_KEY": stripe_stand_in.KEY,
        "STRIPE_WEBHOOK_SECRET": stripe_stand_in.WEBHOOK_SECRET,
        "URL_VOICE_ARM": httpserver.url_for("/voice/arm"),
    }


def _open_weather_map(httpserver):
    def report(request):
        query = request.args.to_dict()
        body = {
            "cod": 200,
            "keyed": query.pop("APPID", None) == "an OWM key",
            "list": [{"temp_max": 280}],
            "path": request.path.removeprefix("/owm"),
            "query": query,
            "snake_case_key": {"inner_key": 1.5},
        }
        return Response(json.dumps(body), content_type="application/json")

    httpserver.expect_request(re.compile("/owm/data/2.5/.+")).respond_with_handler(report)
    return {"OWM_URL": httpserver.url_for("/owm/data/2.5"), "OWM_KEY": "an OWM key"}


def _wolfram_alpha(httpserver):
    def full_results(request):
        query = request.args.to_dict()
        keyed = query.pop("appid", None) == "a Wolfram key"
        if query.get("output") != "json":
            xml = "<?xml version='1.0'?><queryresult success='true'/>"
            return Response(xml, content_type="text/xml;charset=utf-8")
        result = {"keyed": keyed, "pod_list": [{"snake_key": 1}], "query": query, "success": True}
        return Response(json.dumps({"queryresult": result}), content_type="application/json")

    httpserver.expect_request("/wolfram/v2/query").respond_with_handler(full_results)
    httpserver.expect_request("/wolfram/v1/spoken").respond_with_data(
        "The answer is forty two", content_type="text/html;charset=utf-8"
    )
    httpserver.expect_request("/wolfram/v1/simple").respond_with_data(
        b"GIF89a", content_type="image/gif"
    )
    return {
        "WOLFRAM_ALPHA_URL": httpserver.url_for("/wolfram"),
        "WOLFRAM_ALPHA_KEY": "a Wolfram key",
    }


def _pantacor(httpserver):
    """A fleet service that knows the devices of the recorded run."""
    fleet = PantacorStandIn(httpserver)
    unclaimed, manual = f"pc-unclaimed-{RECORDED_RUN}", f"pc-manual-{RECORDED_RUN}"
    fleet.devices[unclaimed] = fleet_device(claimed=False)
    fleet.devices[manual] = fleet_device(update_policy="manual")
    fleet.pending[manual] = ["deployment-1"]
    return {"PANTACOR_API_BASE_URL": fleet.url, "PANTACOR_API_TOKEN": pantacor_stand_in.TOKEN}


def _oauth_broker(httpserver):
    def echo(request):
        body = {"path": request.path.removeprefix("/oauth"), "query": request.args.to_dict()}
        return Response(json.dumps(body), content_type="application/json")

    httpserver.expect_request(re.compile("/oauth/.+")).respond_with_handler(echo)
    return {"OAUTH_BASE_URL": httpserver.url_for("/oauth")}


SERVICES = (_stripe, _pantacor, _open_weather_map, _wolfram_alpha, _oauth_broker)


@contextmanager
def running():
    """Yield the environment of a server that calls the stand-ins, as long as they run."""
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as httpserver:
        environment = {}
        for service in SERVICES:
            environment |= service(httpserver)
        yield environment
