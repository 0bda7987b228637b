"""Skills, their settings and the catalogue, in the back office."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm
from unfold.decorators import display
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminURLInputWidget,
)

from accounts import admin_panels, encryption, search
from accounts.admin.accounts import AccountAdmin
from accounts.admin_mixins import (
    Deletion,
    FoundByAccount,
    LongList,
    MadeElsewhere,
    ReadOnly,
    SavesWhatWasEdited,
    edited_columns,
)
from accounts.admin_panels import WithPanels
from devices import search as device_search
from devices.admin.devices import DeviceAdmin
from devices.models import Device
from market import definition_preview, manifest, oauth, settings_values, skill_settings
from market.admin_panels import OF_ACCOUNT, OF_DEFINITION, OF_DEVICE, OF_SKILL, settings_defined
from market.models import (
    CatalogueEntry,
    DeviceSkill,
    OAuthCredential,
    OAuthToken,
    SettingsDefinition,
    Skill,
)
from market.upstream import oauth_provider


class Loaded:
    """What a job reads; an app above tells of its runs."""

    loaded_from, loaded_by = "From the skills' repository", "load_skills"


@admin.register(Skill)
class SkillAdmin(Loaded, LongList, WithPanels, ReadOnly, ModelAdmin):
    """Devices name skills, and may name as many as they like: a million have a million of them."""

    list_display = ["skill_gid", "family_name"]
    search_fields = ["skill_gid__startswith"]
    search_help_text = "How the global id begins, such as mycroft-timer"
    sortable_by = ["skill_gid"]
    panels = OF_SKILL


@admin.register(CatalogueEntry)
class CatalogueEntryAdmin(Loaded, LongList, ReadOnly, ModelAdmin):
    """What ``load_skills`` would overwrite is not changed here."""

    list_display = ["skill", "title", "core_version"]
    list_select_related = ["skill"]
    list_filter = ["core_version"]
    search_fields = ["skill__skill_gid__startswith"]
    search_help_text = "How the skill's global id begins"
    fields = ["skill", "title", "core_version", "display_data", "id"]
    readonly_fields = ["title"]

    @display(description="title")
    def title(self, entry: CatalogueEntry) -> str:
        return str(entry.display_data.get("title") or "")


@admin.register(SettingsDefinition)
class SettingsDefinitionAdmin(LongList, WithPanels, ReadOnly, ModelAdmin):
    """What the author of a skill lets its owner set."""

    list_display = ["skill", "display_name", "settings"]
    list_select_related = ["skill"]
    search_fields = ["skill__skill_gid__startswith"]
    search_help_text = "How the skill's global id begins"
    fields = ["skill", "definition", "id"]
    ordering = ["pk"]
    sortable_by: list[str] = []
    panels = [OF_DEFINITION]
    change_form_after_template = "market/back_office/definition.html"

    @display(description="display name")
    def display_name(self, row: SettingsDefinition) -> str:
        return str(row.definition.get("display_name") or "")

    @display(description="settings")
    def settings(self, row: SettingsDefinition) -> str:
        return settings_defined(row)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: models.Model | None = None,
    ) -> HttpResponse:
        if isinstance(obj, SettingsDefinition):
            context["preview"] = list(definition_preview.sections(obj.definition))
            context["input_class"] = " ".join(INPUT_CLASSES)
        return super().render_change_form(request, context, add, change, form_url, obj)


class DeviceSkillForm(forms.ModelForm):
    values = forms.CharField(
        required=False,
        show_hidden_initial=True,
        widget=UnfoldAdminTextareaWidget,
        help_text=f"Settings by name. A password shows as {settings_values.MASK} and stays as it "
        "is unless you write another.",
    )

    class Meta:
        model = DeviceSkill
        fields: list[str] = []

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        shown = settings_values.masked(self.instance)
        self.initial["values"] = orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()

    def clean_values(self) -> dict[str, object] | None:
        try:
            values = orjson.loads(self.cleaned_data["values"] or "null")
        except ValueError as error:
            raise ValidationError(f"not valid JSON: {error}") from error
        if not isinstance(values, dict | None):
            raise ValidationError("an object is required")
        written = orjson.dumps(settings_values.unmask(values, self.instance))
        if b"\\u0000" in written or len(written) > settings_values.LIMIT_BYTES:
            raise ValidationError("over 64 KB, or with NUL characters")
        return values


@admin.register(DeviceSkill)
class DeviceSkillAdmin(LongList, MadeElsewhere, SavesWhatWasEdited, ModelAdmin):
    """What is changed here reaches the device on its next poll."""

    form = DeviceSkillForm
    list_display = ["skill", "device", "account", "installation", "origin"]
    list_select_related = ["skill", "device__account"]
    list_filter = ["installation", ("skill", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["skill"]  # for a box to type in
    search_help_text = "How the skill's global id, the device's name or the account's begins"
    ordering = ["pk"]
    sortable_by: list[str] = []
    readonly_fields = [
        "device",
        "skill",
        "name",
        "origin",
        "installation",
        "failure_message",
        "status",
        "is_beta",
        "is_in_manifest",
        "settings_definition",
        "id",
    ]
    fields = [*readonly_fields[:-1], "values", "id"]

    def get_search_results(
        self, request: HttpRequest, rows: models.QuerySet[DeviceSkill], term: str
    ) -> tuple[models.QuerySet[DeviceSkill], bool]:
        if not term.strip():
            return rows, False
        skills = Skill.objects.order_by().filter(skill_gid__startswith=term.strip())
        wanted = models.Q(device__in=device_search.devices(term))
        wanted |= models.Q(skill__in=list(skills.values_list("pk", flat=True)[: search.LIMIT]))
        return rows.filter(wanted), False

    @display(description="account")
    def account(self, device_skill: DeviceSkill) -> str:
        return str(device_skill.device.account)

    def save_model(
        self, request: HttpRequest, device_skill: DeviceSkill, form: forms.ModelForm, change: bool
    ) -> None:
        if "values" in form.changed_data:
            skill_settings.replace(device_skill, form.cleaned_data["values"])

    def delete_model(self, request: HttpRequest, device_skill: DeviceSkill) -> None:
        manifest.remove(device_skill.device, device_skill.skill.skill_gid)

    def delete_queryset(self, request: HttpRequest, rows: models.QuerySet[DeviceSkill]) -> None:
        for row in rows.select_related("device", "skill"):
            self.delete_model(request, row)

    def get_deleted_objects(self, rows: Iterable[DeviceSkill], request: HttpRequest) -> Deletion:
        names = [str(row) for row in rows]
        return names, {"skills on devices": len(names)}, set(), []


class OAuthCredentialForm(forms.ModelForm):
    client_secret = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Encrypted and never shown; leave empty to keep the one there is.",
    )

    class Meta:
        model = OAuthCredential
        fields: list[str] = []


@admin.register(OAuthCredential)
class OAuthCredentialAdmin(SavesWhatWasEdited, ModelAdmin):
    form = OAuthCredentialForm
    formfield_overrides = {
        models.URLField: {"widget": UnfoldAdminURLInputWidget, "assume_scheme": "https"}
    }
    list_display = ["name", "reference", "client_id", "scope"]
    search_fields = ["name", "client_id"]
    readonly_fields = ["id", "redirect_uri", "connected"]
    fields = [
        "id",
        "connected",
        "redirect_uri",
        "name",
        "reference",
        "client_id",
        "client_secret",
        "client_authentication",
        "scope",
        "authorization_uri",
        "token_uri",
        "revoke_uri",
    ]

    def save_model(
        self,
        request: HttpRequest,
        credential: OAuthCredential,
        form: forms.ModelForm,
        change: bool,
    ) -> None:
        columns = edited_columns(form)
        if secret := form.cleaned_data["client_secret"]:
            credential.encrypted_client_secret = encryption.encrypt(secret)
            columns.add("encrypted_client_secret")
        credential.save(update_fields=columns if change else None)

    @display(description="redirect URI")
    def redirect_uri(self, credential: OAuthCredential) -> str:
        """What the provider is to be told when the application is registered there."""
        return oauth_provider.redirect_uri()

    @display(description="accounts connected")
    def connected(self, credential: OAuthCredential) -> int:
        return (
            0 if credential._state.adding else credential.tokens.exclude(encrypted_token="").count()
        )

    def delete_model(self, request: HttpRequest, credential: OAuthCredential) -> None:
        oauth.forget(credential.tokens.all())
        credential.delete()

    def delete_queryset(
        self, request: HttpRequest, credentials: models.QuerySet[OAuthCredential]
    ) -> None:
        for credential in credentials:
            self.delete_model(request, credential)


@admin.register(OAuthToken)
class OAuthTokenAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    """Which account let a credential act for it; never the tokens."""

    list_display = ["account", "credential", "expires_at", "changed_at"]
    list_select_related = ["account", "credential"]
    list_filter = ["credential"]
    ordering = ["pk"]
    sortable_by: list[str] = []
    fields = ["account", "credential", "expires_at", "changed_at"]

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, token: OAuthToken) -> None:
        self.delete_queryset(request, OAuthToken.objects.filter(pk=token.pk))

    def delete_queryset(self, request: HttpRequest, tokens: models.QuerySet[OAuthToken]) -> None:
        oauth.forget(tokens)


class SkillFilter(admin.SimpleListFilter):
    """Devices that have a skill; not by a join, which would be sorted to find doubles."""

    title = parameter_name = "skill"
    template = "unfold/filters/filters_field.html"
    form_class = AutocompleteDropdownForm

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Device],
        model_admin: DeviceAdmin,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.form = partial(self.form_class, request=request, model_admin=model_admin)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("", "All")]  # the box asks for others as one types

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {
            "form": self.form(
                label=" By skill ",
                name=self.parameter_name,
                choices=(),
                field=DeviceSkill._meta.get_field("skill"),
                data={self.parameter_name: self.value()},
            )
        }

    def queryset(
        self, request: HttpRequest, devices: models.QuerySet[Device]
    ) -> models.QuerySet[Device]:
        if not (chosen := self.value()):
            return devices
        try:
            with_it = DeviceSkill.objects.filter(skill=UUID(chosen))
        except ValueError as error:
            raise IncorrectLookupParameters from error
        return devices.filter(pk__in=with_it.order_by().values("device"))


DeviceAdmin.list_filter = [*DeviceAdmin.list_filter, SkillFilter]
admin_panels.add(DeviceAdmin, panels=[OF_DEVICE])
admin_panels.add(AccountAdmin, panels=[OF_ACCOUNT])
