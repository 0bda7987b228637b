"""Paths of the device API, the account API and the marketplace API that are about skills."""

from django.urls import URLPattern, path

from market import views

device_api = [
    path("device/<str:device_id>/skillJson", views.ManifestView.as_view()),
    path("device/<str:device_id>/settingsMeta", views.SettingsMetaView.as_view()),
    path("device/<str:device_id>/skill", views.LegacySkillView.as_view()),
    path("device/<str:device_id>/skill/settings", views.DeviceSettingsView.as_view()),
    # A skill_gid may hold a slash.
    path("device/<str:device_id>/skill/<path:skill_gid>", views.DeviceSkillView.as_view()),
]
account_api = [
    path("skills", views.SkillsView.as_view()),
    path("skills/<path:family_name>/settings", views.SkillSettingsView.as_view()),
]
marketplace_api: list[URLPattern] = []
