"""The secrets of an installation that was given none: made once, kept in its data folder."""

import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

NAMES = (
    "DJANGO_SECRET_KEY",
    "JWT_ACCESS_SECRET",
    "JWT_REFRESH_SECRET",
    "JWT_RESET_SECRET",
    "SELENE_FIELD_KEY",
)


def read_or_make(path: Path) -> dict[str, str]:
    """Return the secrets in ``path`` by name, making the file (mode 600) when it is not there.

    Two processes that start at once end with the same secrets: the file appears whole, under
    its final name, or not at all, and whoever comes second reads the first one's.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            for name in NAMES:
                file.write(f"{name}={_make(name)}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _make(name: str) -> str:
    """Return a new secret; the field key is what Fernet takes, 32 bytes in URL-safe base64."""
    if name == "SELENE_FIELD_KEY":
        return urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(48)
