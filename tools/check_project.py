"""Migrations as the models are, and safe to upgrade by; the settings of a fleet in production."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from selene_project import secret_file

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "ACCOUNT_BASE_URL": "https://account.selene.example",
    "DATABASE_URL": "postgres://selene:secret@database.selene.example/selene",
    "REDIS_URL": "redis://cache.selene.example/0",
    "SELENE_ALLOWED_HOSTS": ".selene.example",
    "SELENE_COOKIE_DOMAIN": "selene.example",
    "SELENE_PROXIES": "1",
    "SELENE_TRUSTED_ORIGINS": "https://home.selene.example",
    "SSO_BASE_URL": "https://sso.selene.example",
}


def manage(*arguments: str, environment: dict[str, str]) -> int:
    """Run manage.py with ``environment`` and nothing of this machine's; return its status."""
    return run("manage.py", *arguments, environment=environment)


def run(*arguments: str, environment: dict[str, str]) -> int:
    """Run Python with ``environment`` and nothing of this machine's; return its status."""
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean | environment, check=False).returncode


def main() -> int:
    """Run all checks, also after one has failed."""
    with tempfile.TemporaryDirectory(prefix="selene-") as folder:
        data = {"SELENE_DATA_DIR": folder}
        secrets = secret_file.read_or_make(Path(folder) / "production.env")
        return max(
            manage("makemigrations", "--check", "--dry-run", environment=data),
            run("-m", "tools.check_migrations", environment=data),
            manage(
                "check",
                "--deploy",
                "--fail-level",
                "ERROR",
                environment=data | PRODUCTION | secrets,
            ),
        )


if __name__ == "__main__":
    sys.exit(main())
