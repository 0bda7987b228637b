"""One row for each catalogue that is loaded: what was loaded before has no revision yet."""

import uuid

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def note_loaded(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    entries = apps.get_model("market", "CatalogueEntry").objects.order_by()
    catalogues = apps.get_model("market", "Catalogue").objects
    for core_version in entries.values_list("core_version", flat=True).distinct():
        catalogues.create(core_version=core_version)


class Migration(migrations.Migration):
    dependencies = [("market", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Catalogue",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "core_version",
                    models.CharField(help_text='E.g. "21.02".', max_length=10, unique=True),
                ),
                (
                    "revision",
                    models.UUIDField(default=uuid.uuid4, help_text="Another after every load."),
                ),
            ],
            options={"ordering": ["core_version"]},
        ),
        # survived RunPython note_loaded: it fills a table that is new
        migrations.RunPython(note_loaded, migrations.RunPython.noop),
    ]
