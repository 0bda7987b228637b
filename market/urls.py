"""Paths of the device API, the account API and the marketplace API that are about skills."""

from django.urls import path

from market.views import account, device, marketplace, oauth

device_api = [
    path("device/<str:device_id>/skillJson", device.ManifestView.as_view()),
    path("device/<str:device_id>/settingsMeta", device.SettingsMetaView.as_view()),
    path("device/<str:device_id>/skill", device.LegacySkillView.as_view()),
    path("device/<str:device_id>/skill/settings", device.DeviceSettingsView.as_view()),
    # A skill_gid may hold a slash.
    path("device/<str:device_id>/skill/<path:skill_gid>", device.DeviceSkillView.as_view()),
    path("device/<str:device_id>/token/<str:reference>", oauth.TokenView.as_view()),
    path("auth/callback", oauth.CallbackView.as_view()),
]
account_api = [
    path("skills", account.SkillsView.as_view()),
    path("skills/<path:family_name>/settings", account.SkillSettingsView.as_view()),
    path("skills/oauth/<str:reference>", oauth.OAuthView.as_view()),
]
marketplace_api = [
    path("skills/available", marketplace.AvailableView.as_view()),
    path("skills/status", marketplace.StatusView.as_view()),
    path("skills/install", marketplace.InstallView.as_view()),
    path("skills/<uuid:market_id>", marketplace.SkillView.as_view()),
]
