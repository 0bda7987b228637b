"""Stripe: who pays, for which plan, and the events that tell of it.

Stripe's API, https://docs.stripe.com/api, through Stripe's library, which asks for the version of
the API that it was made for. The library is loaded at the first call: few households take money.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.conf import settings

from accounts.exceptions import NotConfigured
from accounts.upstream import http

if TYPE_CHECKING:
    from stripe import StripeClient, Subscription

SERVICE = "Stripe"
# Also of a card that failed, as long as Stripe tries it again
PAID_STATUSES = {"active", "trialing", "past_due"}
SIGNATURE_SECONDS = 300  # an event older than that is a replay
PAGE = 100
LONGEST_ID = 255

logger = logging.getLogger(__name__)


class Refused(Exception):
    """Stripe will not do it; the text is its reason, for the person who pays."""


class Missing(Refused):
    """Stripe has no such object, or has it no more."""


class NotAnEvent(Exception):
    """What came is not signed by Stripe, or too long ago, or makes no sense."""


@dataclass(frozen=True)
class PaidPlan:
    """A subscription as Stripe has it now."""

    id: str
    item_id: str
    customer_id: str
    plan: str
    account_id: UUID | None  # as we noted when it was made; none: not made here
    is_paid: bool


@dataclass(frozen=True)
class Event:
    """Something that happened at Stripe, to a subscription if it concerns one."""

    kind: str
    subscription_id: str


def check_configured() -> None:
    """Raise NotConfigured if there is no key to call Stripe with."""
    if not settings.STRIPE_PRIVATE_KEY:
        raise NotConfigured("STRIPE_PRIVATE_KEY")


def create_customer(account_id: UUID, email: str, token: str, *, key: str) -> str:
    """Return the id of a new customer who pays with the card of ``token``; once for a ``key``.

    Raises:
        Refused: the card is not accepted.
    """
    with _errors():
        customer = _client().v1.customers.create(
            {"source": token, "email": email, "metadata": {"account": str(account_id)}},
            {"idempotency_key": key},
        )
        return _text(customer["id"])


def delete_customer(customer_id: str) -> None:
    """Delete a customer, which ends whatever it pays for."""
    with suppress(Missing), _errors():
        _client().v1.customers.delete(customer_id)


def subscribe(account_id: UUID, customer_id: str, plan: str, *, key: str) -> PaidPlan:
    """Charge the customer's card for ``plan`` from now on; once for a ``key``.

    Raises:
        Refused: the card was not charged, and nothing began.
    """
    with _errors():
        return _read(
            _client().v1.subscriptions.create(
                {
                    "customer": customer_id,
                    "items": [{"price": plan}],
                    "payment_behavior": "error_if_incomplete",
                    "metadata": {"account": str(account_id)},
                },
                {"idempotency_key": key},
            )
        )


def change_plan(paid: PaidPlan, plan: str) -> PaidPlan:
    """Let ``paid`` be for ``plan`` from now on; once is as good as twice.

    Raises:
        Refused: all is as before.
    """
    with _errors():
        return _read(
            _client().v1.subscriptions.update(
                paid.id,
                {
                    "items": [{"id": paid.item_id, "price": plan}],
                    "payment_behavior": "error_if_incomplete",
                },
            )
        )


def cancel(subscription_id: str) -> None:
    """End a subscription now; that it has ended already is no error."""
    with suppress(Missing), _errors():
        _client().v1.subscriptions.cancel(subscription_id)


def find(subscription_id: str) -> PaidPlan | None:
    """Return a subscription, or none if Stripe does not know it."""
    try:
        with _errors():
            return _read(_client().v1.subscriptions.retrieve(subscription_id))
    except Missing:
        return None
    except Refused as error:
        raise http.Unavailable(SERVICE) from error


def of_customer(customer_id: str) -> PaidPlan | None:
    """Return what a customer pays for."""
    try:
        with _errors():
            rows = _client().v1.subscriptions.list({"customer": customer_id, "limit": PAGE})
            paid = [each for each in map(_read, rows.data) if each.is_paid]
    except Missing:
        return None
    return paid[0] if paid else None


def all_subscriptions() -> Iterator[PaidPlan]:
    """Yield each subscription that was not cancelled, not only those made here."""
    with _errors():
        rows = _client().v1.subscriptions.list({"limit": PAGE})
        for row in rows.auto_paging_iter():
            yield _read(row)


def read_event(payload: bytes, signature: str) -> Event:
    """Return the event that Stripe sent as ``payload``.

    Raises:
        NotAnEvent: nothing may be made of it.
    """
    from stripe import SignatureVerificationError, WebhookSignature

    secret = settings.STRIPE_WEBHOOK_SECRET
    if not secret:
        raise NotConfigured("STRIPE_WEBHOOK_SECRET")
    try:
        # As ASCII: the library compares nothing else.
        header = signature.encode("ascii").decode()
        WebhookSignature.verify_header(payload, header, secret, SIGNATURE_SECONDS)
        event = orjson.loads(payload)
        return Event(_text(event["type"]), _subscription_id(event["data"]["object"]))
    except (
        SignatureVerificationError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise NotAnEvent from error


def _subscription_id(subject: dict[str, Any]) -> str:
    """Return which subscription an event is about, "" if none."""
    if subject.get("object") == "subscription":
        return _text(subject["id"])
    parent = (subject.get("parent") or {}).get("subscription_details") or {}
    return _text(parent.get("subscription") or subject.get("subscription") or "")


def _read(answer: "Subscription") -> PaidPlan:
    row = answer.to_dict()
    item = row["items"]["data"][0]
    return PaidPlan(
        id=_text(row["id"]),
        item_id=_text(item["id"]),
        customer_id=_text(row["customer"]),
        plan=_text(item["price"]["id"]),
        account_id=_account_id(row["metadata"].get("account", "")),
        is_paid=row["status"] in PAID_STATUSES,
    )


def _account_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _text(value: object) -> str:
    # Printable, so without what no database stores
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_ID:
        raise TypeError
    return value


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what the library raises into what its callers can make something of."""
    check_configured()
    import stripe

    try:
        yield
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        kind = Missing if error.http_status == 404 else Refused
        raise kind(error.user_message or "Stripe gave no reason") from error
    except stripe.StripeError as error:
        # Without its words: of a wrong key they show a part.
        logger.error("Stripe failed: %s, status %s", type(error).__name__, error.http_status)
        raise http.Unavailable(SERVICE) from error
    # The last is of bytes that are no text.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise http.Unavailable(SERVICE) from error


def _client() -> "StripeClient":
    return _make_client(settings.STRIPE_PRIVATE_KEY, settings.STRIPE_API_BASE)


@lru_cache(maxsize=1)
def _make_client(key: str, base: str) -> "StripeClient":
    import stripe

    class Connection(stripe.HTTPClient):
        """Our own connections and time limits; no repeats, for which a device would wait."""

        name = "requests"

        def request(
            self,
            method: str,
            url: str,
            headers: Mapping[str, str] | None,
            post_data: str | bytes | None = None,
            **_: object,
        ) -> tuple[Any, int, Mapping[str, str]]:
            data = post_data.encode() if isinstance(post_data, str) else post_data
            answer = http.call(SERVICE, method, url, headers=headers, data=data)
            return answer.content, answer.status, {}

    stripe.enable_telemetry = False
    # It tells each request, and of a wrong key its beginning and end.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        max_network_retries=0,
        http_client=Connection(),
    )
