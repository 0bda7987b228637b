"""Skills: what they are, which device has which with what values, what they may ask of others."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from devices.models import Device
from market.json_numbers import WireDecoder


class Skill(models.Model):
    """A skill as devices name it, by its global id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    skill_gid = models.CharField(
        max_length=300, unique=True, help_text='E.g. "mycroft-timer|21.02".'
    )
    family_name = models.CharField(max_length=300, help_text='E.g. "mycroft-timer".')

    class Meta:
        ordering = ["skill_gid"]
        indexes = [models.Index(fields=["family_name"], name="skill_family_name")]

    def __str__(self) -> str:
        return self.skill_gid


class Catalogue(models.Model):
    """That a core version's catalogue is loaded, and whether it is still the one last read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    core_version = models.CharField(max_length=10, unique=True, help_text='E.g. "21.02".')
    # No number: one that a backup brings back could come to name two contents.
    revision = models.UUIDField(default=uuid.uuid4, help_text="Another after every load.")

    class Meta:
        ordering = ["core_version"]

    def __str__(self) -> str:
        return f"catalogue of {self.core_version}"


class CatalogueEntry(models.Model):
    """How the marketplace shows a skill to people with one core version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="catalogue_entries")
    core_version = models.CharField(max_length=10, help_text='E.g. "21.02".')
    display_data = models.JSONField(
        decoder=WireDecoder, help_text="The skill's part of skill-metadata.json."
    )

    class Meta:
        ordering = ["core_version", "skill"]
        verbose_name_plural = "catalogue entries"
        constraints = [
            models.UniqueConstraint(fields=["core_version", "skill"], name="catalogue_entry_unique")
        ]

    def __str__(self) -> str:
        return f"{self.skill} in {self.core_version}"


class SettingsDefinition(models.Model):
    """The settings a skill's author offers (settingsMeta), stored once for all devices.

    Unique by digest, because definitions outgrow what an index row can hold.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="settings_definitions")
    definition = models.JSONField(
        decoder=WireDecoder, help_text="settingsMeta, values normalised, passwords taken out."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the definition.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["skill", "digest"], name="settings_definition_stored_once"
            )
        ]

    def __str__(self) -> str:
        return f"settings of {self.skill}"


class Installation(models.TextChoices):
    INSTALLED = "installed", "Installed"
    INSTALLING = "installing", "Installing"
    UNINSTALLING = "uninstalling", "Uninstalling"
    FAILED = "failed", "Failed"


class DeviceSkill(models.Model):
    """A skill on a device: how it got there, how it is, and the values of its settings."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="skills")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="device_skills")
    name = models.CharField(max_length=300, blank=True, help_text="As the manifest has it.")
    origin = models.CharField(
        max_length=50, blank=True, help_text='Install method, e.g. "default", "voice", "cli".'
    )
    installation = models.CharField(
        max_length=20, choices=Installation, default=Installation.INSTALLED
    )
    failure_message = models.TextField(blank=True)
    status = models.CharField(max_length=50, blank=True, help_text='E.g. "active".')
    is_beta = models.BooleanField(default=False)
    # Not datetimes: a device's clock tells more than microseconds, and what it sent it gets back.
    installed_seconds = models.FloatField(
        null=True, blank=True, help_text="Unix time, as the manifest has it; 0 or none for never."
    )
    updated_seconds = models.FloatField(
        null=True, blank=True, help_text="Unix time, as the manifest has it; 0 or none for never."
    )
    is_in_manifest = models.BooleanField(
        default=True, help_text="False while only a settings definition has told of it."
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="Place in the manifest.")
    awaited_since = models.DateTimeField(
        null=True, blank=True, help_text="When its definition came, while no manifest names it."
    )
    settings_definition = models.ForeignKey(
        SettingsDefinition,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="device_skills",
    )
    settings = models.JSONField(
        null=True,
        blank=True,
        decoder=WireDecoder,
        help_text="Values by name, less those of type password.",
    )
    secret_settings = models.TextField(
        blank=True,
        editable=False,
        help_text="Values that are or were of type password, by name, as JSON, encrypted.",
    )

    class Meta:
        ordering = ["skill"]
        constraints = [
            models.UniqueConstraint(fields=["device", "skill"], name="device_skill_unique"),
            models.CheckConstraint(
                condition=Q(installation__in=Installation.values),
                name="device_skill_installation_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} on {self.device}"


class Request(models.TextChoices):
    INSTALL = "install", "Install"
    REMOVE = "remove", "Remove"


class InstallRequest(models.Model):
    """What an account asked of its devices in the marketplace, until one of them says it is so.

    The order itself is in the settings of the devices' installer skills; this is what the
    marketplace shows meanwhile.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="install_requests"
    )
    family_name = models.CharField(max_length=300, help_text='E.g. "mycroft-timer".')
    request = models.CharField(max_length=10, choices=Request)
    requested_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "family_name"], name="install_request_one_per_skill"
            ),
            models.CheckConstraint(
                condition=Q(request__in=Request.values), name="install_request_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} {self.family_name} for {self.account}"


class ClientAuthentication(models.TextChoices):
    HEADER = "header", "In the header (HTTP Basic)"
    BODY = "body", "In the body"


class OAuthCredential(models.Model):
    """An application registered with a provider, for skills that act on people's accounts there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True, help_text='E.g. "Spotify".')
    reference = models.CharField(  # noqa: DJ001 - unique where there is one
        max_length=100,
        unique=True,
        null=True,
        blank=True,
        help_text="What skills call it: the value of the field of type oauth in their settings, "
        'such as "1" in the Spotify skill. Its id works as well.',
    )
    client_id = models.CharField(max_length=255)
    encrypted_client_secret = models.TextField(blank=True)
    client_authentication = models.CharField(
        max_length=10,
        choices=ClientAuthentication,
        default=ClientAuthentication.HEADER,
        db_default=ClientAuthentication.HEADER,
        help_text="How the provider wants to be shown client id and secret.",
    )
    scope = models.CharField(max_length=500, blank=True, help_text="Separated by spaces.")
    authorization_uri = models.URLField(max_length=500)
    token_uri = models.URLField(max_length=500)
    revoke_uri = models.URLField(max_length=500, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "OAuth credential"
        constraints = [
            models.CheckConstraint(
                condition=Q(client_authentication__in=ClientAuthentication.values),
                name="oauth_credential_authentication_known",
            )
        ]

    def __str__(self) -> str:
        return self.name


class OAuthToken(models.Model):
    """What a provider gave an account for a credential; until then, the state of asking."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="oauth_tokens"
    )
    credential = models.ForeignKey(OAuthCredential, on_delete=models.CASCADE, related_name="tokens")
    encrypted_token = models.TextField(blank=True, help_text="The provider's answer.")
    expires_at = models.DateTimeField(null=True, blank=True)
    state_digest = models.CharField(  # noqa: DJ001 - only a pending request has one, and it is unique
        max_length=64, unique=True, null=True, blank=True, help_text="SHA-256, while asking."
    )
    encrypted_verifier = models.TextField(blank=True, help_text="PKCE, while asking.")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the asking began.")
    refreshed_until = models.DateTimeField(
        null=True, blank=True, help_text="Whoever refreshes the token has until then."
    )
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "OAuth token"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "credential"], name="oauth_token_one_per_credential"
            )
        ]

    def __str__(self) -> str:
        return f"{self.credential} of {self.account}"
