from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "market"
    verbose_name = "Skills"

    def ready(self) -> None:
        # Here, because accounts know nothing of the apps above them.
        from accounts import deletion
        from devices import moving
        from market import oauth, skill_settings

        deletion.beforehand.append(oauth.forget_all_of)
        moving.beforehand.append(skill_settings.reset)
