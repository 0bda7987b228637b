from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ROLES = ("support", "operator", "auditor")


def add(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups; operations/roles.py grants them their rights once those are there."""
    for name in ROLES:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("operations", "0003_run_jobs_when_asked"),
    ]

    # survived RunPython add: rows that the running version does not look at
    operations = [migrations.RunPython(add, remove)]
