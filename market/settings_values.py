"""The values of a skill's settings on one device, those of type password encrypted.

A value that was a password once stays encrypted for as long as its field lives: a new definition
that calls it text does not bring it into the open.
"""

from collections.abc import Collection

from market import secret_values
from market.definition_fields import Definition, Values, canonical, password_names
from market.models import DeviceSkill

LIMIT_BYTES = 65_536
MASK = "********"


class ValuesTooLarge(Exception):
    """The values of one skill are over 64 KB as JSON; nothing changed."""


def of(device_skill: DeviceSkill) -> Values | None:
    """Return the values by name, None where no definition ever offered any."""
    return merge(device_skill.settings, device_skill.secret_settings)


def merge(settings: Values | None, secret_settings: str) -> Values | None:
    """Return the values that lie in the two columns."""
    if not secret_settings:
        return settings
    return (settings or {}) | secret_values.decrypt(secret_settings)


def secret_names(device_skill: DeviceSkill) -> set[str]:
    """Return the names of the values that are kept encrypted."""
    return set(secret_values.decrypt(device_skill.secret_settings))


def masked(device_skill: DeviceSkill) -> Values | None:
    """Return the values as staff may see them."""
    values = of(device_skill)
    return values and values | dict.fromkeys(secret_names(device_skill) & values.keys(), MASK)


def unmask(values: Values | None, device_skill: DeviceSkill) -> Values | None:
    """Return ``values`` with what ``masked`` hid, where it was left as it is."""
    hidden = secret_names(device_skill)
    current = of(device_skill) or {}
    return values and {
        name: current[name] if value == MASK and name in hidden else value
        for name, value in values.items()
    }


def assign(
    device_skill: DeviceSkill,
    values: Values | None,
    definition: Definition,
    also_secret: Collection[str] = (),
) -> bool:
    """Make ``values`` those of ``device_skill``; tell whether there is anything to save.

    Raises:
        ValuesTooLarge: nothing changed.
    """
    secret = password_names(definition) | secret_names(device_skill) | set(also_secret)
    if len(canonical(values)) > LIMIT_BYTES:
        raise ValuesTooLarge("over 64 KB")
    hidden = {name: value for name, value in (values or {}).items() if name in secret}
    is_same = canonical(values) == canonical(of(device_skill))
    if is_same and set(hidden) == secret_names(device_skill):
        return False
    device_skill.settings = values and {
        name: value for name, value in values.items() if name not in secret
    }
    device_skill.secret_settings = secret_values.encrypt(hidden)
    return True
