"""Paths of the device API and of the account API that are about devices."""

from django.urls import path, re_path

from devices.views import account, device, pantacor, reports, samples, services, speech

device_api = [
    path("device/code", device.CodeView.as_view()),
    path("device/activate", device.ActivateView.as_view()),
    path("auth/token", device.TokenView.as_view()),
    path("device/pantacor", pantacor.SyncView.as_view()),
    path("device/<str:device_id>", device.DeviceView.as_view()),
    path("device/<str:device_id>/setting", device.SettingView.as_view()),
    path("device/<str:device_id>/location", device.LocationView.as_view()),
    path("device/<str:device_id>/subscription", device.SubscriptionView.as_view()),
    path("device/<str:device_id>/voice", device.VoiceView.as_view()),
    path("device/<str:device_id>/message", reports.MessageView.as_view()),
    re_path(
        r"^device/(?P<device_id>[^/]+)/metric/(?P<name>[\s\S]+)\Z", reports.MetricView.as_view()
    ),
    path("device/<str:device_id>/wake-word-file", samples.WakeWordFileView.as_view()),
    path("geolocation", device.GeolocationView.as_view()),
    path("stt", speech.SttView.as_view()),
    path("transcribe", speech.TranscribeView.as_view()),
    path("owm/<path:path>", services.WeatherView.as_view()),
    path("wa", services.WolframXMLView.as_view()),
    path("wolframAlphaSpoken", services.WolframSpokenView.as_view()),
    path("wolframAlphaSimple", services.WolframSimpleView.as_view()),
    path("wolframAlphaFull", services.WolframFullView.as_view()),
]
unknown_device_path = [re_path("", device.UnknownPathView.as_view())]
account_api = [
    path("voices", account.VoicesView.as_view()),
    path("wake-words", account.WakeWordsView.as_view()),
    path("geographies", account.GeographiesView.as_view()),
    path("preferences", account.PreferencesView.as_view()),
    path("defaults", account.DefaultsView.as_view()),
    path("device-count", account.DeviceCountView.as_view()),
    # The page hangs without an answer: whatever was typed is a code.
    re_path(r"^pairing-code/(?P<code>[\s\S]*)\Z", account.PairingCodeView.as_view()),
    path("ssh-key", pantacor.SshKeyView.as_view()),
    path("software-update", pantacor.SoftwareUpdateView.as_view()),
    path("devices", account.DevicesView.as_view()),
    path("devices/<uuid:device_id>", account.DeviceView.as_view()),
]
