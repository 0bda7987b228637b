"""Turning the keys of other people's JSON to what device skills read."""

import re
from typing import Any

DEPTH_LIMIT = 100
# An underscore within a name, and what follows it: "feels_like", but neither "_id" nor "1h"
_BREAK = re.compile(r"(?<=[^_])_+([a-z0-9])")


class TooDeep(Exception):
    """JSON nested deeper than any service has reason to."""


def turn_keys(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON is anything
    """Return JSON with the keys of its objects in camelCase, at every depth.

    Raises:
        TooDeep: the nesting is beyond ``DEPTH_LIMIT``.
    """
    if depth > DEPTH_LIMIT:
        raise TooDeep
    if isinstance(value, dict):
        return {turn(key): turn_keys(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [turn_keys(item, depth + 1) for item in value]
    return value


def turn(name: str) -> str:
    """Return ``temp_min`` as ``tempMin``; a name that is no snake_case stays as it is."""
    return _BREAK.sub(lambda found: found[1].upper(), name)
