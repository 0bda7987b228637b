"""The audit log: what staff changed in the back office, with django-auditlog's tables.

1. ``by`` surrounds a request to the back office with who asks, and from where.
2. While it does, rows of watched models that are saved are compared with what the database has.
3. What is changed otherwise, by a use case that updates rows without saving them or by a page of
   its own, is noted from what was asked for: the page's row before and after, the form's message,
   the action and its rows, ``note``.

Outside of ``by`` nothing is compared and nothing asked of the database: devices, the API and jobs
cost what they would without. Deletions are noted in step 3, since who listens to deletions makes
Django load every row that a purge deletes.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from auditlog.receivers import log_create, log_update
from auditlog.registry import auditlog
from django.conf import settings
from django.contrib.admin import models as admin_models
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.http import HttpRequest
from django.utils import timezone

from accounts import client
from accounts.models import Account

Action = LogEntry.Action
HIDDEN = "(hidden)"
# What a row holds that must not be read elsewhere either
SECRETS = ("password", "digest", "encrypted_", "secret")
ACTIONS = {
    admin_models.ADDITION: Action.CREATE,
    admin_models.CHANGE: Action.UPDATE,
    admin_models.DELETION: Action.DELETE,
}


@dataclass
class _Acting:
    actor: Account
    address: str | None
    noted: set[tuple[int | None, str]] = field(default_factory=set)  # content type and key
    before: Model | None = None  # the row of the page


_acting: ContextVar[_Acting | None] = ContextVar("acting", default=None)


@contextmanager
def by(request: HttpRequest) -> Iterator[None]:
    """Note what is changed in here as the doing of who sent ``request``."""
    token = _acting.set(_Acting(request.user, client.address(request)))  # type: ignore[arg-type]
    try:
        yield
    finally:
        _acting.reset(token)


def remember(row: Model) -> None:
    """Keep ``row`` as it is before its page changes it."""
    if acting := _acting.get():
        acting.before = row


def note(row: Model, what: str, action: int = Action.UPDATE) -> None:
    """Note that ``what`` was done to ``row``; outside of the back office this does nothing."""
    if _acting.get():
        LogEntry.objects.log_create(
            row, force_log=True, action=action, additional_data={"did": what}
        )


def note_rest(rows: dict[str, str], model: type[Model], what: str, action: int) -> None:
    """Note ``what`` for those of ``rows`` (names by key) for which nothing is noted yet.

    Of many, what exactly has changed is not asked for: it would be a query and more for each.
    """
    kind = ContentType.objects.get_for_model(model)
    entries = [
        LogEntry(
            content_type=kind,
            object_pk=key,
            object_repr=name,
            action=action,
            changes=_changes(key),
            additional_data={"did": what},
        )
        for key, name in rows.items()
        if not _is_noted(kind.pk, key)
    ]
    for entry in entries:
        _sign(entry)
    LogEntry.objects.bulk_create(entries)


def watch(model: type[Model], *, but: Iterable[str] = ()) -> None:
    """Compare rows of ``model`` as they are saved; leave out the fields ``but``."""
    names = [column.name for column in model._meta.concrete_fields]
    hidden = [name for name in names if any(part in name for part in SECRETS)]
    auditlog.register(model, exclude_fields=list(but), mask_fields=hidden)
    for many in model._meta.many_to_many:
        through = many.remote_field.through
        m2m_changed.connect(_note_many(many.name), sender=through, weak=False)


def hide(value: str) -> str:
    """Return what the log shows of a secret; the setting ``AUDITLOG_MASK_CALLABLE`` names it."""
    return HIDDEN if value not in ("", "None") else ""


def purge() -> int:
    """Delete entries older than ``AUDIT_KEPT``; return how many."""
    return LogEntry.objects.filter(timestamp__lt=timezone.now() - settings.AUDIT_KEPT).delete()[0]


def start() -> None:
    """Let the registry compare only what staff do; called once, before any ``watch``."""
    # Its own receivers ask the database at every save, whoever saves.
    auditlog._signals = {post_save: _if_acting(log_create), pre_save: _if_acting(log_update)}
    pre_save.connect(_sign, sender=LogEntry)
    post_save.connect(_remember, sender=LogEntry)
    post_save.connect(_note_what_the_admin_says, sender=admin_models.LogEntry)


def _if_acting(receiver: Callable[..., None]) -> Callable[..., None]:
    def receive(**arguments: Any) -> None:  # noqa: ANN401 - as the signal has them
        if _acting.get():
            receiver(**arguments)

    return receive


def _sign(instance: LogEntry, **_: object) -> None:
    """Put who acts into an entry."""
    if acting := _acting.get():
        instance.actor, instance.actor_email = acting.actor, acting.actor.email
        instance.remote_addr = acting.address


def _is_noted(content_type_id: int | None, key: object) -> bool:
    acting = _acting.get()
    return bool(acting and (content_type_id, str(key)) in acting.noted)


def _remember(instance: LogEntry, **_: object) -> None:
    if acting := _acting.get():
        acting.noted.add((instance.content_type_id, str(instance.object_pk)))


def _note_what_the_admin_says(instance: admin_models.LogEntry, **_: object) -> None:
    """Note a change from the admin's message about a form, where no comparison has noted it."""
    if _acting.get() is None or _is_noted(instance.content_type_id, instance.object_id):
        return
    if instance.is_change() and instance.change_message in ("", "[]"):
        return  # saved as it was
    LogEntry.objects.create(
        content_type=instance.content_type,
        object_pk=str(instance.object_id),
        object_repr=instance.object_repr,
        action=ACTIONS[instance.action_flag],
        changes=_changes(str(instance.object_id)),
        additional_data={"did": instance.get_change_message()},
    )


def _changes(key: str) -> dict[str, Any] | None:
    """Return what has changed of the page's row, if ``key`` is that row's."""
    acting = _acting.get()
    old = acting and acting.before
    if not old or str(old.pk) != key or not auditlog.contains(type(old)):
        return None
    new = type(old)._base_manager.filter(pk=old.pk).first()
    columns = old._meta.concrete_fields
    names = [each.name for each in columns if _differs(old, new, each.attname)] if new else []
    return model_instance_diff(old, new, fields_to_check=names) if names else None


def _differs(old: Model, new: Model | None, name: str) -> bool:
    return getattr(old, name) != getattr(new, name)


def _note_many(name: str) -> Callable[..., None]:
    """Return a receiver that notes what is added to, and taken from, the field ``name``."""

    def receive(instance: Model, action: str, reverse: bool, **arguments: Any) -> None:  # noqa: ANN401
        if _acting.get() is None or reverse or action not in ("post_add", "post_remove"):
            return
        rows = arguments["model"]._base_manager.filter(pk__in=arguments["pk_set"])
        operation = "add" if action == "post_add" else "delete"
        LogEntry.objects.log_m2m_changes(rows, instance, operation, name)

    return receive
