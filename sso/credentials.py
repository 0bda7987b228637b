"""Reading the credentials that Selene UI sends, base64 around text."""

from dataclasses import dataclass

from accounts import base64_text

SEPARATOR = ":||:"


class Malformed(ValueError):
    """No credentials can be read from it; the text says why."""


@dataclass(frozen=True)
class Credentials:
    """An email address and a password as a person typed them, unchecked."""

    email: str
    password: str


def from_basic(header: bytes) -> Credentials:
    """Read the value of an Authorization header: Basic base64("<email>:||:<password>").

    Raises:
        Malformed: it is anything else.
    """
    scheme, _, encoded = header.decode("latin-1").partition(" ")
    if scheme.lower() != "basic":
        raise Malformed("not Basic")
    email, separator, password = _decode(encoded.strip()).partition(SEPARATOR)
    if not separator:
        raise Malformed("no separator")
    return Credentials(email.strip(), password)


def from_sign_up(email: str, password: str) -> Credentials:
    """Read the two parts of a new login, encoded once or, after a refusal, twice.

    The address tells which: base64 has no "@". What was encoded twice was so as a whole.

    Raises:
        Malformed: a part is not base64.
    """
    once = Credentials(_decode(email), _decode(password))
    if "@" in once.email:
        return once
    try:
        twice = Credentials(_decode(once.email), _decode(once.password))
    except Malformed:
        return once
    return twice if "@" in twice.email else once


def _decode(encoded: str) -> str:
    try:
        return base64_text.decode(encoded)
    except ValueError as error:
        raise Malformed(str(error)) from error
