"""The roles that staff are given: groups with rights, ready to use.

A migration makes the groups, and what they may is here. Rights are rows that Django makes after all
migrations have run, so none can grant them; ``migrate`` ends with granting what is new: everything,
to a group that was not there before, and to one that was only the rights that were not, those of a
model that this version added. What an operator took from a group stays taken, and a group that an
operator deleted stays deleted. ``manage.py restore_roles`` puts all back.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import F

SUPPORT, OPERATOR, AUDITOR = "support", "operator", "auditor"
ROLES = (SUPPORT, OPERATOR, AUDITOR)
PEOPLES = {"accounts", "devices", "geography", "market", "social_django"}
ALL = PEOPLES | {"operations", "axes"}
# What helping a person takes; staff's own accounts are superusers' alone to change.
HELP = {
    "accounts.change_account",
    "accounts.change_outgoingmail",
    "axes.delete_accessattempt",
    "axes.view_accessattempt",
    "devices.add_device",
    "devices.change_device",
    "devices.delete_device",
    "social_django.delete_usersocialauth",
}
# Secrets of skills are operators' business.
NOT_SUPPORTS = {"market.view_oauthcredential"}
AUDITED = {"auditlog.view_logentry", "auth.view_group"}
Known = tuple[set[str], set[str]]  # names of groups, rights as "app.codename"

_known: Known = (set(), set())  # before the migrations that are under way


def is_meant(role: str, right: str) -> bool:
    """Tell whether ``role`` comes with ``right``, such as "accounts.view_account"."""
    app, codename = right.split(".")
    is_looking = codename.startswith("view_")
    if role == SUPPORT:
        return right in HELP or (is_looking and app in PEOPLES and right not in NOT_SUPPORTS)
    if role == OPERATOR:
        return app in ALL or right in AUDITED
    return (is_looking and app in ALL) or right in AUDITED


def restore() -> int:
    """Give each role, there or not, the rights it comes with; return how many were missing."""
    missing = 0
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        missing += _grant(group, _rights())
    return missing


def note_known(using: str = "default", **_: object) -> None:
    """Remember what there is before migrations run; a receiver of Django's signal."""
    global _known
    tables = connections[using].introspection.table_names()
    if Permission._meta.db_table in tables:
        _known = set(Group.objects.values_list("name", flat=True)), set(_rights())


def grant_new(**_: object) -> None:
    """Grant what migrations brought; a receiver of Django's signal."""
    groups, rights = _known
    for group in Group.objects.filter(name__in=ROLES):
        every = _rights()
        new = {right: key for right, key in every.items() if right not in rights}
        _grant(group, new if group.name in groups else every)
    note_known()


def _rights() -> dict[str, int]:
    """Return the keys of all rights by name."""
    rows = Permission.objects.order_by().values_list(F("content_type__app_label"), "codename", "pk")
    return {f"{app}.{codename}": key for app, codename, key in rows}


def _grant(group: Group, rights: dict[str, int]) -> int:
    has = set(group.permissions.values_list("pk", flat=True))
    meant: Iterable[int] = (key for right, key in rights.items() if is_meant(group.name, right))
    missing = set(meant) - has
    group.permissions.add(*missing)
    return len(missing)
