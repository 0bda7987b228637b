from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from accounts.upstream import http
        from operations import (
            audit,
            checks,  # noqa: F401 - registers them
            statistics,
        )

        http.observers.append(statistics.note_upstream)
        audit.start()
