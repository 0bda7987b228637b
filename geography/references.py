"""What other rows, of whatever app, refer to: reference data in use must stay."""

import uuid
from collections.abc import Iterable

from django.db import models

from geography.bulk import batches

# Fits SQLite's limit on the values of one statement.
BATCH = 900


def referred(model: type[models.Model], ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of ``ids`` that a row of any table refers to, but for rows that go with them."""
    # Hidden ones too: a foreign key with related_name="+" refers no less.
    fields = [
        relation.field
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete != models.CASCADE
    ]
    found: set[uuid.UUID] = set()
    for batch in batches(ids, BATCH):
        for field in fields:
            rows = field.model._base_manager.filter(**{f"{field.name}__in": batch})
            found.update(rows.values_list(field.attname, flat=True).distinct())
    return found


def delete_unreferred(model: type[models.Model], ids: set[uuid.UUID]) -> set[uuid.UUID]:
    """Delete those of ``ids`` that nothing refers to, and return the others."""
    kept = referred(model, ids)
    for batch in batches(ids - kept, BATCH):
        model._base_manager.filter(pk__in=batch).delete()
    return kept
