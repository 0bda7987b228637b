from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from accounts.upstream import http
        from operations import (
            audit,
            checks,  # noqa: F401 - registers them
            roles,
            statistics,
        )

        http.observers.append(statistics.note_upstream)
        audit.start()
        pre_migrate.connect(roles.note_known, sender=self)
        # The last app's: by then Django has made the rights of all models.
        post_migrate.connect(roles.grant_new, sender=self)
