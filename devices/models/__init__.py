"""Devices, how they are paired and recognised, what they report, what their accounts prefer."""

from devices.models.device import (
    Device,
    DeviceQuerySet,
    DeviceToken,
    PairingSession,
    PairingSessionQuerySet,
    PantacorConfig,
    ReleaseChannel,
)
from devices.models.listening import (
    PocketsphinxSettings,
    Voice,
    WakeWord,
    WakeWordEngine,
)
from devices.models.metrics import (
    CoreInteraction,
    CoreMetric,
    SttEngineDay,
    SttTranscription,
)
from devices.models.preferences import (
    AccountDefaults,
    AccountPreferences,
    DateFormat,
    MeasurementSystem,
    TimeFormat,
)
from devices.models.samples import (
    SampleStatus,
    SampleTag,
    Tag,
    TagValue,
    WakeWordSample,
)

__all__ = [
    "AccountDefaults",
    "AccountPreferences",
    "CoreInteraction",
    "CoreMetric",
    "DateFormat",
    "Device",
    "DeviceQuerySet",
    "DeviceToken",
    "MeasurementSystem",
    "PairingSession",
    "PairingSessionQuerySet",
    "PantacorConfig",
    "PocketsphinxSettings",
    "ReleaseChannel",
    "SampleStatus",
    "SampleTag",
    "SttEngineDay",
    "SttTranscription",
    "Tag",
    "TagValue",
    "TimeFormat",
    "Voice",
    "WakeWord",
    "WakeWordEngine",
    "WakeWordSample",
]
