"""What belongs to a skill or a definition, and the skills on a device, on pages about them."""

from accounts.admin_panels import Panel
from market import definition_preview, settings_values
from market.models import CatalogueEntry, DeviceSkill, OAuthToken, SettingsDefinition

SETTINGS_SHOWN = 5


def settings_shown(row: DeviceSkill) -> str:
    """Return the first settings of ``row``, passwords masked."""
    values = settings_values.masked(row) or {}
    shown = [f"{name}: {value}" for name, value in list(values.items())[:SETTINGS_SHOWN]]
    rest = len(values) - len(shown)
    return ", ".join([*shown, *([f"and {rest} more"] if rest else [])])[:300]


def settings_defined(row: SettingsDefinition) -> str:
    """Return by which settings one can tell the definition from others of the skill."""
    labels = [
        field.label or field.name
        for section in definition_preview.sections(row.definition)
        for field in section.fields
    ]
    rest = len(labels) - SETTINGS_SHOWN
    shown = [*labels[:SETTINGS_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]
    return ", ".join(shown)[:300] or "none"


def _title(entry: CatalogueEntry) -> str:
    return str(entry.display_data.get("title") or "")


OF_DEVICE = Panel(
    "Skills",
    DeviceSkill,
    {
        "skill": lambda row: row.skill.skill_gid,
        "installation": "get_installation_display",
        "failure": lambda row: row.failure_message[:100],
        "status": "status",
        "settings": settings_shown,
    },
    lambda device: device.skills.select_related("skill").order_by("skill__skill_gid"),
    filter="device__id__exact",
    limit=50,
    order=1,
)
OF_ACCOUNT = Panel(
    "Connected services",
    OAuthToken,
    {"service": "credential", "changed": "changed_at", "good until": "expires_at"},
    lambda account: OAuthToken.objects.filter(account=account).select_related("credential"),
)
OF_SKILL = [
    Panel(
        "In the catalogue",
        CatalogueEntry,
        {"core version": "core_version", "title": _title},
        lambda skill: skill.catalogue_entries.order_by("-core_version"),
        filter="skill__id__exact",
    ),
    Panel(
        "Definitions of its settings",
        SettingsDefinition,
        {"settings": settings_defined},
        lambda skill: skill.settings_definitions.order_by("pk"),
        filter="skill__id__exact",
    ),
    Panel(
        "Devices that have it",
        DeviceSkill,
        {
            "device": lambda row: row.device.name,
            "account": lambda row: row.device.account.email,
            "installation": "get_installation_display",
            "failure": lambda row: row.failure_message[:100],
        },
        lambda skill: skill.device_skills.select_related("device__account").order_by("pk"),
        filter="skill__id__exact",
        limit=20,
    ),
]
OF_DEFINITION = Panel(
    "Devices that have it",
    DeviceSkill,
    {"device": lambda row: row.device.name, "account": lambda row: row.device.account.email},
    lambda row: row.device_skills.select_related("device__account").order_by("pk"),
    filter="settings_definition__id__exact",
    limit=20,
)
