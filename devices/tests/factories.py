"""Saved devices and what they need; a field that is not given is valid and nothing to lean on."""

from itertools import count

from accounts.tests.factories import make_account
from devices import pairing, tokens
from devices.models import Device, Voice, WakeWord

_numbers = count(1)


def make_wake_word(name="hey mycroft", engine="precise"):
    return WakeWord.objects.get_or_create(name=name, engine=engine)[0]


def make_voice(display_name="British Male", engine="mimic", setting_name="ap"):
    values = {"engine": engine, "setting_name": setting_name}
    return Voice.objects.get_or_create(display_name=display_name, defaults=values)[0]


def make_device(account=None, name=None, **fields):
    return Device.objects.create(
        account=account or make_account(),
        name=name or f"Device {next(_numbers)}",
        **{"wake_word": fields.pop("wake_word", None) or make_wake_word()},
        **{"voice": fields.pop("voice", None) or make_voice()},
        **fields,
    )


def claim(account, code, **fields):
    """Pair the device that shows ``code``."""
    return pairing.claim_code(
        account,
        code,
        name=fields.pop("name", "Kitchen"),
        wake_word=make_wake_word(),
        voice=make_voice(),
        **{"city": None, "timezone": None} | fields,
    )


def make_token(device):
    """Return an access token of ``device``."""
    return tokens.issue(device).access
