"""Answers to questions, as Wolfram Alpha has them.

What was said to the same question within a day, else the service, as often as the device's daily
quota allows.
"""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings

from accounts.exceptions import NotConfigured
from devices import quotas, replies
from devices.models import Device
from devices.upstream import wolfram_alpha
from devices.upstream.proxied import Params, Reply, without_key

LIFETIME = timedelta(days=1)
FORMS: dict[str, Callable[[Params], Reply]] = {
    "xml": wolfram_alpha.ask_xml,
    "full": wolfram_alpha.ask_full,
    "spoken": wolfram_alpha.ask_spoken,
    "simple": wolfram_alpha.ask_simple,
}


def answer(device: Device, form: str, params: Params) -> Reply:
    """Return the answer in one of ``FORMS``.

    Raises:
        NotConfigured: the server has no key.
        Spent: the device has asked as often as it may today.
        Unavailable, Busy: the service failed, or too many wait already.
    """
    if not settings.WOLFRAM_ALPHA_KEY:
        raise NotConfigured("WOLFRAM_ALPHA_KEY")
    name = replies.question("wolfram", form, without_key(params))
    reply = replies.recall(name)
    if reply is None:
        quotas.spend(device, "wolfram", settings.WOLFRAM_QUOTA)
        reply = FORMS[form](params)
        replies.remember(name, reply, LIFETIME)
    return reply
