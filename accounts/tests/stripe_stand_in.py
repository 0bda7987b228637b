"""A small Stripe on loopback: customers, subscriptions, idempotency keys, and what it charged."""

import json
import re
import threading
from itertools import count
from urllib.parse import parse_qsl

from werkzeug import Response

KEY = "sk_test_51Selene"
WEBHOOK_SECRET = "whsec_selene"
DECLINED = "Your card was declined."
PRICES = {"monthly_premium": 1.99, "mycroft_ai_premium_annual_1999": 19.99}


class StripeStandIn:
    """Answers the calls of Stripe's API that memberships need, under ``path`` of ``httpserver``.

    As at Stripe, ``tok_chargeDeclined`` is refused at once and ``tok_chargeCustomerFail`` when it
    is to pay. ``lose_answer`` does what the next request of a kind asks, and says it failed.
    """

    def __init__(self, httpserver, path=""):
        self.url = httpserver.url_for(path).rstrip("/")
        self.customers, self.subscriptions = {}, {}
        self.charges = []  # (customer, plan)
        self.requests = []  # "POST /v1/customers"
        self._answers = {}  # by idempotency key
        self._lost = []
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._prefix = path
        httpserver.expect_request(re.compile(f"{path}/v1/")).respond_with_handler(self._answer)

    @property
    def live(self):
        """The ids of the subscriptions that are being paid."""
        return [key for key, each in self.subscriptions.items() if each["status"] == "active"]

    def lose_answer(self, request):
        """Have the next ``request`` ("POST /v1/subscriptions") done but not answered."""
        self._lost.append(request)

    def subscribe(self, account, plan="monthly_premium", customer=None, **fields):
        """Begin a subscription that this server has not stored; return its id."""
        customer = customer or self._create_customer({"source": "tok_visa"})["id"]
        form = {"customer": customer, "items[0][price]": plan, "metadata[account]": str(account)}
        made = self._create_subscription(form)
        made.update(fields)
        return made["id"]

    def _answer(self, request):
        with self._lock:
            path = request.path.removeprefix(self._prefix)
            self.requests.append(f"{request.method} {path}")
            if request.headers.get("Authorization") != f"Bearer {KEY}":
                return _refusal(401, "Invalid API Key provided: sk_test_****", "invalid_request")
            form = dict(parse_qsl(request.get_data(as_text=True)) or request.args.items())
            status, body = self._once(request, path, form)
            if self.requests[-1] in self._lost:
                self._lost.remove(self.requests[-1])
                return _refusal(500, "An unknown error occurred", "api_error")
            return Response(json.dumps(body), status, content_type="application/json")

    def _once(self, request, path, form):
        """Do the request, or answer as before if its key was used."""
        key = request.headers.get("Idempotency-Key")
        if request.method == "POST":
            assert key, "a request that can cost money has a key"
        if key in self._answers:
            asked, answer = self._answers[key]
            if asked != (path, form):
                return 400, _error("Keys for idempotent requests differ", "idempotency_error")
            return answer
        try:
            answer = 200, self._do(request.method, path.split("/")[2:], form)
        except KeyError as error:
            answer = 404, _error(f"No such object: '{error.args[0]}'", code="resource_missing")
        except CardDeclined:
            answer = 402, _error(DECLINED, "card_error", code="card_declined")
        if key:
            self._answers[key] = (path, form), answer
        return answer

    def _do(self, method, parts, form):
        action = {
            ("POST", "customers", 1): lambda: self._create_customer(form),
            ("DELETE", "customers", 2): lambda: self._delete_customer(parts[1]),
            ("POST", "subscriptions", 1): lambda: self._create_subscription(form),
            ("GET", "subscriptions", 1): lambda: self._list(form),
            ("GET", "subscriptions", 2): lambda: self.subscriptions[parts[1]],
            ("POST", "subscriptions", 2): lambda: self._change(parts[1], form),
            ("DELETE", "subscriptions", 2): lambda: self._cancel(parts[1]),
        }[method, parts[0], len(parts)]
        return action()

    def _create_customer(self, form):
        if form["source"] == "tok_chargeDeclined":
            raise CardDeclined
        customer = {"id": f"cus_{next(self._numbers)}", "object": "customer"} | form
        self.customers[customer["id"]] = customer
        return customer

    def _delete_customer(self, key):
        del self.customers[key]
        for each in self.subscriptions.values():
            if each["customer"] == key:
                each["status"] = "canceled"
        return {"id": key, "object": "customer", "deleted": True}

    def _create_subscription(self, form):
        customer = self.customers[form["customer"]]
        self._charge(customer["id"], form["items[0][price]"])
        number = next(self._numbers)
        subscription = {
            "id": f"sub_{number}",
            "object": "subscription",
            "status": "active",
            "customer": customer["id"],
            "metadata": {"account": form["metadata[account]"]},
            "items": _items(f"si_{number}", form["items[0][price]"]),
        }
        self.subscriptions[subscription["id"]] = subscription
        return subscription

    def _list(self, form):
        rows = [
            each
            for each in reversed(self.subscriptions.values())
            if each["status"] != "canceled"
            and each["customer"] == form.get("customer", each["customer"])
        ]
        keys = [each["id"] for each in rows]
        start = keys.index(form["starting_after"]) + 1 if "starting_after" in form else 0
        page = rows[start : start + int(form.get("limit", 10))]
        has_more = start + len(page) < len(rows)
        return {"object": "list", "url": "/v1/subscriptions", "data": page, "has_more": has_more}

    def _change(self, key, form):
        subscription = self.subscriptions[key]
        item = subscription["items"]["data"][0]
        assert form["items[0][id]"] == item["id"]
        plan = form["items[0][price]"]
        if plan != item["price"]["id"]:
            self._charge(subscription["customer"], plan)
            subscription["items"] = _items(item["id"], plan)
        return subscription

    def _cancel(self, key):
        if self.subscriptions[key]["status"] == "canceled":
            raise KeyError(key)
        self.subscriptions[key]["status"] = "canceled"
        return self.subscriptions[key]

    def _charge(self, customer, plan):
        if plan not in PRICES:
            raise KeyError(plan)
        if self.customers[customer]["source"] == "tok_chargeCustomerFail":
            raise CardDeclined
        self.charges.append((customer, plan))


class CardDeclined(Exception):
    pass


def _items(key, plan):
    return {
        "object": "list",
        "data": [{"id": key, "object": "subscription_item", "price": {"id": plan}}],
    }


def _error(message, kind="invalid_request_error", **fields):
    return {"error": {"type": kind, "message": message} | fields}


def _refusal(status, message, kind):
    return Response(json.dumps(_error(message, kind)), status, content_type="application/json")
