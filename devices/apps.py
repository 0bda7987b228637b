from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "devices"
    verbose_name = "Devices"

    def ready(self) -> None:
        from accounts import search as account_search
        from devices import (
            openapi,  # noqa: F401 - the description's parts register
            search,
        )

        # Here, because accounts know nothing of the apps above them.
        account_search.sources.append(search.owners)
