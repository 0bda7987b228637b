"""Text as Selene UI sends it: in base64, of whatever bytes the browser made of it."""

import base64
import binascii


def decode(encoded: str) -> str:
    """Return the text in ``encoded``: UTF-8 or, as browsers' ``btoa`` makes it, Latin-1.

    Raises:
        ValueError: not base64, or text that cannot be stored.
    """
    # In a query a "+" that is not escaped means a space.
    try:
        raw = base64.b64decode(encoded.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not valid base64") from error
    if b"\0" in raw:
        raise ValueError("NUL characters are not allowed")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
