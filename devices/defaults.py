"""What a new device of an account starts with, unless its owner says otherwise."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import Account
from devices import places
from devices.models import AccountDefaults, Voice, WakeWord
from geography.models import City, Country, Region, Timezone

FIELDS = ("country", "region", "city", "timezone", "voice", "wake_word")
SHOWN = ("country", "region", "city__timezone", "timezone", "voice", "wake_word")


def of(account: Account) -> AccountDefaults | None:
    """Return what ``account`` set, with all it refers to, or None if it never set any."""
    return AccountDefaults.objects.select_related(*SHOWN).filter(account=account).first()


def place(account: Account) -> tuple[City, Timezone] | tuple[None, None]:
    """Return where a new device of ``account`` stands, as far as that is known."""
    chosen = of(account)
    if chosen is None or chosen.city is None:
        return None, None
    return chosen.city, chosen.timezone or chosen.city.timezone


@transaction.atomic
def change(
    account: Account,
    *,
    place_names: Mapping[str, str | None],
    **chosen: Voice | WakeWord | None,
) -> None:
    """Set what is named, clear what is None, leave the rest as it was.

    ``place_names`` has names of country, region, city and timezone; ``chosen`` a voice and a
    wake_word. A region that does not lie in a new country is cleared, so is a city.

    Raises:
        places.UnknownPlace: nothing changed.
    """
    defaults, _ = AccountDefaults.objects.select_for_update().get_or_create(account=account)
    for field, value in chosen.items():
        setattr(defaults, field, value)
    defaults.country = _country(defaults, place_names)
    defaults.region = _region(defaults, place_names)
    defaults.city = _city(defaults, place_names)
    if "timezone" in place_names:
        name = place_names["timezone"]
        defaults.timezone = places.timezone_named(name) if name else None
    defaults.save(update_fields=FIELDS)


def _country(defaults: AccountDefaults, names: Mapping[str, str | None]) -> Country | None:
    if "country" not in names:
        return defaults.country
    return places.country_named(names["country"]) if names["country"] else None


def _region(defaults: AccountDefaults, names: Mapping[str, str | None]) -> Region | None:
    if "region" not in names:
        region = defaults.region
        return region if region and region.country_id == defaults.country_id else None
    if not names["region"]:
        return None
    if defaults.country is None:
        raise places.UnknownPlace({"country": ["a region needs its country"]})
    return places.region_named(names["region"], defaults.country)


def _city(defaults: AccountDefaults, names: Mapping[str, str | None]) -> City | None:
    if "city" not in names:
        city = defaults.city
        return city if city and city.region_id == defaults.region_id else None
    if not names["city"]:
        return None
    if defaults.region is None:
        raise places.UnknownPlace({"region": ["a city needs its region"]})
    return places.city_named(names["city"], defaults.region)
