"""Public keys as OpenSSH writes them: a type, the key in base64, perhaps a comment."""

import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

MAX_CHARACTERS = 10_000  # RSA keys of 16,384 bits have 2,800
# One line only, since a second one in a file of keys would be another key
_LINE = re.compile(r"[a-z0-9@.-]+[ \t]+[A-Za-z0-9+/]+={0,2}(?:[ \t]+[^\x00-\x08\x0a-\x1f\x7f]*)?")


def is_valid(text: str) -> bool:
    """Tell whether ``text`` is a public key that OpenSSH takes.

    Not a certificate, nor a DSA key, which OpenSSH knows no more; and no options before it, since
    they could name a command to run.
    """
    line = text.strip()
    if len(line) > MAX_CHARACTERS or not _LINE.fullmatch(line):
        return False
    try:
        key = load_ssh_public_identity(line.encode(errors="replace"))
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):
        return False
    return not isinstance(key, SSHCertificate)
