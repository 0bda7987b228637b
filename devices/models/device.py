"""Devices, how they are paired and recognised, and how a Mark II is updated."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now

from accounts.models import Acceptance, AgreementType
from accounts.prefix_index import PrefixIndex
from devices.models.listening import Voice, WakeWord
from geography.models import City, Timezone


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
        indexes = [
            # With the key, a list in this order is read as it stands, ties and all.
            models.Index(fields=["last_contact_at", "id"], name="device_contact_order"),
            PrefixIndex(Lower("name"), name="device_name_prefix"),
        ]

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
    pantacor_wishes = models.JSONField(
        null=True, blank=True, help_text="What the owner chose of PantacorConfig, by field."
    )

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
        verbose_name = "updates by Pantacor"
        verbose_name_plural = "updates by Pantacor"
        constraints = [
            models.CheckConstraint(
                condition=Q(release_channel__in=ReleaseChannel.values),
                name="pantacor_release_channel_known",
            )
        ]

    def __str__(self) -> str:
        return self.pantacor_id
