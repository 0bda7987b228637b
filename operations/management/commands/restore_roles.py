"""manage.py restore_roles"""

from typing import Any

from django.core.management.base import BaseCommand

from operations import roles


class Command(BaseCommand):
    help = "Make the roles support, operator and auditor as they ship, where they are not."

    def handle(self, *args: Any, **options: Any) -> str:  # noqa: ANN401 - as BaseCommand
        return f"{roles.restore()} rights were missing"
