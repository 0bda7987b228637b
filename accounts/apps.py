from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    default = True
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from accounts import openapi, staff_sessions  # noqa: F401 - the description's parts register

        # Django's login, which is the admin's: the API has sessions of its own.
        user_logged_in.connect(staff_sessions.begin)


class BackOfficeConfig(admin_apps.AdminConfig):
    """Django's admin on a site of our own."""

    default = False
    default_site = "accounts.admin_site.BackOffice"
