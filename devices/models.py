"""Devices, how they are paired and recognised, what they report, what their accounts prefer."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import Acceptance, AgreementType
from geography.models import City, Country, Region, Timezone


class WakeWordEngine(models.TextChoices):
    PRECISE = "precise", "Precise"
    POCKETSPHINX = "pocketsphinx", "PocketSphinx"


class WakeWord(models.Model):
    """A phrase a device listens for, as one engine spots it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, help_text='Lower case, e.g. "hey mycroft".')
    engine = models.CharField(max_length=20, choices=WakeWordEngine)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "engine"], name="wake_word_unique_per_engine"),
            models.CheckConstraint(
                condition=Q(engine__in=WakeWordEngine.values), name="wake_word_engine_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PocketsphinxSettings(models.Model):
    """How PocketSphinx spots one wake word."""

    wake_word = models.OneToOneField(
        WakeWord, on_delete=models.CASCADE, primary_key=True, related_name="pocketsphinx"
    )
    sample_rate = models.PositiveIntegerField(default=16_000, help_text="Hertz.")
    channels = models.PositiveSmallIntegerField(default=1)
    pronunciation = models.CharField(max_length=200, help_text='E.g. "HH EY . M AY K R AO F T".')
    threshold = models.CharField(max_length=20, help_text='E.g. "1e-90".')
    threshold_multiplier = models.FloatField(default=1.0)
    dynamic_energy_ratio = models.FloatField(default=1.5)

    class Meta:
        verbose_name_plural = "pocketsphinx settings"

    def __str__(self) -> str:
        return f"PocketSphinx for {self.wake_word}"


class Voice(models.Model):
    """How a device speaks: a name for a voice of a text-to-speech module.

    Two names may stand for one voice: Selene UI knows more of them than mimic has.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    display_name = models.CharField(max_length=50, unique=True, help_text='E.g. "British Male".')
    engine = models.CharField(max_length=50, help_text='Module on the device, e.g. "mimic2".')
    setting_name = models.CharField(
        max_length=50, blank=True, help_text='The module\'s own name of it, e.g. "kusal".'
    )

    class Meta:
        ordering = ["display_name"]

    def __str__(self) -> str:
        return self.display_name


class DeviceQuerySet(models.QuerySet["Device"]):
    def dormant(self) -> "DeviceQuerySet":
        """Return devices not heard of for thirty days."""
        return self.filter(last_contact_at__lte=now() - Device.DORMANT_AFTER)

    def with_setting(self) -> "DeviceQuerySet":
        """Return devices with voice, account, its preferences and ``opted_in`` to Open Dataset."""
        yes = Acceptance.objects.filter(
            account=models.OuterRef("account"), agreement__type=AgreementType.OPEN_DATASET
        )
        return self.select_related("voice", "account__preferences").annotate(
            opted_in=models.Exists(yes)
        )

    def with_location(self) -> "DeviceQuerySet":
        """Return devices with time zone, city, region and country."""
        return self.select_related("timezone", "city__region__country")


class Device(models.Model):
    """A voice assistant that an account has paired."""

    CONNECTED_WITHIN = timedelta(seconds=120)
    DORMANT_AFTER = timedelta(days=30)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices"
    )
    name = models.CharField(max_length=100)
    placement = models.CharField(max_length=100, blank=True, help_text='E.g. "Kitchen".')
    platform = models.CharField(max_length=100, default="unknown")
    platform_build = models.CharField(max_length=100, default="unknown")
    core_version = models.CharField(max_length=100, default="unknown")
    enclosure_version = models.CharField(max_length=100, default="unknown")
    city = models.ForeignKey(
        City, on_delete=models.PROTECT, null=True, blank=True, related_name="devices"
    )
    timezone = models.ForeignKey(
        Timezone, on_delete=models.PROTECT, null=True, blank=True, related_name="devices"
    )
    wake_word = models.ForeignKey(WakeWord, on_delete=models.PROTECT, related_name="devices")
    voice = models.ForeignKey(Voice, on_delete=models.PROTECT, related_name="devices")
    created_at = models.DateTimeField(default=now, editable=False)
    last_contact_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveBigIntegerField(
        default=1, editable=False, help_text="Grows with all that the device shows or may do."
    )

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="device_name_unique"),
            # The city names region and country, so a device's place cannot contradict itself.
            models.CheckConstraint(
                condition=Q(city=None, timezone=None) | ~(Q(city=None) | Q(timezone=None)),
                name="device_place_whole_or_none",
                violation_error_message="city and time zone go together",
            ),
        ]
        indexes = [models.Index(fields=["last_contact_at"], name="device_last_contact")]

    def __str__(self) -> str:
        return self.name


class PairingSessionQuerySet(models.QuerySet["PairingSession"]):
    def live(self) -> "PairingSessionQuerySet":
        """Return sessions whose code has not lapsed."""
        return self.filter(expires_at__gt=now())


class PairingSession(models.Model):
    """A device's wish to be paired: it shows ``code`` and keeps ``token`` to itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(  # noqa: DJ001 - a claimed session frees its code, and none is not unique
        max_length=6, unique=True, null=True, blank=True, help_text="Gone once claimed."
    )
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256.")
    state_digest = models.CharField(max_length=64, help_text="SHA-256.")
    packaging = models.CharField(max_length=50, blank=True)
    device = models.OneToOneField(
        Device, on_delete=models.CASCADE, null=True, blank=True, related_name="pairing_session"
    )
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True, blank=True)

    objects = PairingSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(code=None) ^ Q(device=None), name="pairing_session_code_or_device"
            ),
            models.CheckConstraint(
                condition=Q(activated_at=None) | ~Q(device=None),
                name="pairing_session_claimed_before_active",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="pairing_session_expires")]

    def __str__(self) -> str:
        return f"pairing of {self.device or 'an unclaimed device'}"


class DeviceToken(models.Model):
    """A pair of tokens handed to a device, kept as digests.

    A device may hold several pairs while it is not known which answer reached it. Using a token
    supersedes all pairs that were issued to the device before it.
    """

    id = models.BigAutoField(primary_key=True)  # the order of issue
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="tokens")
    access_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256.")
    refresh_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256.")
    issued_at = models.DateTimeField(default=now)
    used_at = models.DateTimeField(null=True, blank=True, help_text="First use of either token.")
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["superseded_at"], name="device_token_superseded")]

    def __str__(self) -> str:
        return f"tokens of {self.issued_at:%Y-%m-%d %H:%M}"


class DateFormat(models.TextChoices):
    DAY_FIRST = "DD/MM/YYYY", "DD/MM/YYYY"
    MONTH_FIRST = "MM/DD/YYYY", "MM/DD/YYYY"


class TimeFormat(models.TextChoices):
    TWELVE_HOURS = "12 Hour", "12 Hour"
    TWENTY_FOUR_HOURS = "24 Hour", "24 Hour"


class MeasurementSystem(models.TextChoices):
    IMPERIAL = "Imperial", "Imperial"
    METRIC = "Metric", "Metric"


class AccountPreferences(models.Model):
    """How the devices of an account tell dates, times and measures."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    date_format = models.CharField(
        max_length=10, choices=DateFormat, default=DateFormat.MONTH_FIRST
    )
    time_format = models.CharField(
        max_length=10, choices=TimeFormat, default=TimeFormat.TWELVE_HOURS
    )
    measurement_system = models.CharField(
        max_length=10, choices=MeasurementSystem, default=MeasurementSystem.IMPERIAL
    )

    class Meta:
        verbose_name_plural = "account preferences"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    date_format__in=DateFormat.values,
                    time_format__in=TimeFormat.values,
                    measurement_system__in=MeasurementSystem.values,
                ),
                name="preferences_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.date_format}, {self.time_format}, {self.measurement_system}"


class AccountDefaults(models.Model):
    """What a new device of an account starts with."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="defaults"
    )
    country = models.ForeignKey(
        Country, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    city = models.ForeignKey(
        City, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    timezone = models.ForeignKey(
        Timezone, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    voice = models.ForeignKey(
        Voice, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    wake_word = models.ForeignKey(
        WakeWord, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "account defaults"
        constraints = [
            models.CheckConstraint(
                condition=Q(region=None) | ~Q(country=None), name="defaults_region_in_a_country"
            ),
            models.CheckConstraint(
                condition=Q(city=None) | ~Q(region=None), name="defaults_city_in_a_region"
            ),
        ]

    def __str__(self) -> str:
        return f"defaults of {self.account}"


class ReleaseChannel(models.TextChoices):
    DEVELOPMENT = "myc200_dev_test", "Development"
    BETA_QA = "myc200_beta_qa_test", "Beta QA"
    BETA = "myc200_beta", "Beta"
    STABLE = "myc200_stable", "Stable"
    LTS = "myc200_lts", "LTS"


class PantacorConfig(models.Model):
    """How Pantacor's fleet service updates a Mark II."""

    device = models.OneToOneField(
        Device, on_delete=models.CASCADE, primary_key=True, related_name="pantacor_config"
    )
    pantacor_id = models.CharField(max_length=100, unique=True, help_text="Pantacor's device id.")
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    auto_update = models.BooleanField(default=True)
    release_channel = models.CharField(
        max_length=30, choices=ReleaseChannel, default=ReleaseChannel.STABLE
    )
    ssh_public_key = models.TextField(blank=True)
    deployment_id = models.CharField(
        max_length=100, blank=True, help_text="The update that waits for the owner's yes."
    )
    claimed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(release_channel__in=ReleaseChannel.values),
                name="pantacor_release_channel_known",
            )
        ]

    def __str__(self) -> str:
        return self.pantacor_id


class CoreMetric(models.Model):
    """Something a device reported, of an account that agreed to Open Dataset."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=200, help_text='E.g. "timing".')
    value = models.JSONField()
    received_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-received_at"]
        indexes = [models.Index(fields=["received_at"], name="core_metric_received")]

    def __str__(self) -> str:
        return self.name


class CoreInteraction(models.Model):
    """One exchange between a person and a device, put together from its timing metrics."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="interactions")
    core_id = models.CharField(max_length=100, help_text="The device's own id of it.")
    started_at = models.DateTimeField()
    stt_engine = models.CharField(max_length=100, blank=True)
    stt_transcription = models.TextField(blank=True)
    stt_seconds = models.FloatField(null=True, blank=True)
    intent_type = models.CharField(max_length=200, blank=True)
    intent_seconds = models.FloatField(null=True, blank=True)
    fallback_handler_seconds = models.FloatField(null=True, blank=True)
    skill_handler = models.CharField(max_length=200, blank=True)
    skill_seconds = models.FloatField(null=True, blank=True)
    tts_engine = models.CharField(max_length=100, blank=True)
    tts_utterance = models.TextField(blank=True)
    tts_seconds = models.FloatField(null=True, blank=True)
    speech_playback_seconds = models.FloatField(null=True, blank=True)
    user_latency_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["device", "core_id"], name="interaction_once")
        ]
        indexes = [models.Index(fields=["started_at"], name="interaction_started")]

    def __str__(self) -> str:
        return self.core_id


class SttTranscription(models.Model):
    """A speech request of an account; lives a day, then only its engine's daily sum remains."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transcriptions"
    )
    engine = models.CharField(max_length=50)
    succeeded = models.BooleanField()
    audio_seconds = models.FloatField()
    transcription_seconds = models.FloatField()
    requested_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["requested_at"], name="stt_requested")]

    def __str__(self) -> str:
        return f"{self.engine}, {self.requested_at:%Y-%m-%d %H:%M}"


class SttEngineDay(models.Model):
    """What one speech engine did in one day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    day = models.DateField()
    engine = models.CharField(max_length=50)
    requests = models.PositiveIntegerField()
    successes = models.PositiveIntegerField()
    audio_seconds = models.FloatField()
    transcription_seconds = models.FloatField()

    class Meta:
        ordering = ["-day", "engine"]
        constraints = [
            models.UniqueConstraint(fields=["day", "engine"], name="stt_engine_once_a_day"),
            models.CheckConstraint(
                condition=Q(successes__lte=models.F("requests")), name="stt_successes_of_requests"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine}, {self.day}"


class SampleStatus(models.TextChoices):
    STORED = "stored", "Stored"
    PENDING_DELETE = "pending_delete", "Marked for deletion"


class WakeWordSample(models.Model):
    """A sound that woke a device, kept as a file named after its content.

    The account goes, the row stays: a job still has to remove the file.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wake_word = models.ForeignKey(WakeWord, on_delete=models.PROTECT, related_name="samples")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="wake_word_samples",
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the sound.")
    model = models.CharField(max_length=100, blank=True, help_text="The engine's model, a hash.")
    recorded_at = models.DateTimeField()
    submitted_at = models.DateTimeField(default=now)
    status = models.CharField(max_length=20, choices=SampleStatus, default=SampleStatus.STORED)

    class Meta:
        ordering = ["-submitted_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=SampleStatus.values), name="sample_status_known"
            )
        ]
        indexes = [models.Index(fields=["status"], name="sample_status")]

    def __str__(self) -> str:
        return self.digest[:12]


class Tag(models.Model):
    """A question that people answer about wake word samples."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True, help_text='E.g. "gender".')
    title = models.CharField(max_length=100)
    instructions = models.TextField()
    priority = models.PositiveSmallIntegerField(unique=True, help_text="Lowest is asked first.")

    class Meta:
        ordering = ["priority"]

    def __str__(self) -> str:
        return self.title


class TagValue(models.Model):
    """One of the answers to a tag's question."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="values")
    value = models.CharField(max_length=50)
    display = models.CharField(max_length=100)

    class Meta:
        ordering = ["display"]
        constraints = [models.UniqueConstraint(fields=["tag", "value"], name="tag_value_unique")]

    def __str__(self) -> str:
        return self.display


class SampleTag(models.Model):
    """What one person answered about one sample."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sample = models.ForeignKey(WakeWordSample, on_delete=models.CASCADE, related_name="tags")
    value = models.ForeignKey(TagValue, on_delete=models.PROTECT, related_name="sample_tags")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sample_tags"
    )
    tagged_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-tagged_at"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "value", "account"], name="sample_tag_once")
        ]

    def __str__(self) -> str:
        return f"{self.sample}: {self.value}"
