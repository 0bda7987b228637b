"""Numbers of stored JSON, as JSON on the wire can carry them."""

import json
from typing import Any

WIRE_INTEGERS = range(-(2**63), 2**64)


class WireDecoder(json.JSONDecoder):
    """Stored JSON, its integers no larger than the wire's 64 bits.

    PostgreSQL gives the float 1e22 back as an integer of 23 digits, which cannot be sent again.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - whatever json.loads passes
        super().__init__(parse_int=number, **options)


def number(digits: str) -> int | float:
    """Return the integer that ``digits`` write, a float where 64 bits do not hold it.

    Raises:
        ValueError: ``digits`` are none.
    """
    if len(digits) > 20 or int(digits) not in WIRE_INTEGERS:
        return float(digits)
    return int(digits)
