"""What pages of other apps in the back office get from here: counts, exports, runs of jobs."""

from collections.abc import Callable, Iterable
from functools import partial
from tempfile import TemporaryFile
from typing import Any, cast

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from unfold.decorators import action

from accounts import admin_panels, audit
from accounts.admin.accounts import AccountAdmin
from accounts.admin_questions import Question, ask
from accounts.models import Account
from devices.admin import filters
from geography.admin import PlaceAdmin
from market.admin import CatalogueEntryAdmin, SkillAdmin
from operations import fleet, personal_data
from operations.models import FleetCount, FleetKind

EXPORT = Question(
    "Export all data of the account",
    "A ZIP file with all that is stored about the account and its devices, as JSON, and its "
    "recorded wake words, to be handed to its owner. It holds no passwords and no tokens.",
    "Download",
)


def counted(kind: FleetKind) -> Iterable[str]:
    """Return what devices were last counted by, the commonest first."""
    rows = FleetCount.objects.filter(kind=kind)
    last = rows.order_by("-day").values("day")[:1]
    keys = rows.filter(day=last).exclude(key=fleet.OTHER).order_by("-count", "key")
    return keys.values_list("key", flat=True)


@action(description="Export data", icon="download", permissions=["export"])
def export(page: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """Download all that is stored about an account: more than helping its owner takes."""
    return ask(page, request, object_id, EXPORT, _archive)


def _archive(account: Account, _: dict[str, Any]) -> HttpResponseBase:
    # On the disk and not in memory: recordings may be many.
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it
    personal_data.write(account, cast(Any, file))
    file.seek(0)
    audit.note(account, "exported all its data")
    name = f"{account.email.partition('@')[0]}-{timezone.now():%Y-%m-%d}.zip"
    return FileResponse(file, as_attachment=True, filename=name)


for page in (PlaceAdmin, SkillAdmin, CatalogueEntryAdmin):
    page.list_before_template = "operations/loaded.html"
offered: dict[str, Callable[[], Iterable[str]]] = {
    "platform": partial(counted, FleetKind.PLATFORM),
    "core_version": partial(counted, FleetKind.CORE_VERSION),
}
filters.counted.update(offered)
admin_panels.add(AccountAdmin, rights={"export": "accounts.export_account"}, export=export)
