"""Which migrations the check of ``make lint`` lets pass."""

import pytest
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Q

from tools import check_migrations

pytestmark = pytest.mark.household  # asks no database


def char(**options):
    return models.CharField(**{"max_length": 10} | options)


def found(*operations, source="", atomic=True):
    """Return what is wrong with operations on a table that the previous version uses."""
    migration = migrations.Migration("0002_change", "home")
    migration.atomic = atomic
    migration.operations = list(operations)
    fields = [("id", models.BigAutoField(primary_key=True)), ("name", char())]
    state = ProjectState()
    state.add_model(ModelState("home", "Lamp", fields))
    return list(check_migrations.problems(migration, state, source))


def add(name="colour", **options):
    return migrations.AddField("lamp", name, char(**options))


def change(**options):
    return migrations.AlterField("lamp", "name", char(**options))


def forbid(name="colour"):
    constraint = models.CheckConstraint(condition=~Q(**{name: "red"}), name=f"lamp_{name}_not_red")
    return migrations.AddConstraint("lamp", constraint)


BY_NAME = migrations.AddIndex("lamp", models.Index(fields=["name"], name="lamp_name"))
NEW_MODEL = migrations.CreateModel("Switch", [("id", models.BigAutoField(primary_key=True))])


def fill(apps, schema_editor):
    pass


@pytest.mark.parametrize(
    "operations",
    [
        [add(null=True)],
        [add(db_default="white", default="white")],
        [migrations.AddField("lamp", "rooms", models.ManyToManyField("home.lamp"))],
        [change(max_length=20)],
        [change(null=True)],
        [change(choices=[("a", "A")], help_text="Short.", blank=True)],
        [NEW_MODEL, migrations.AddField("switch", "name", char())],
        [add(null=True), forbid("colour")],
        [migrations.AlterModelOptions("lamp", {"ordering": ["name"]})],
    ],
)
def test_what_only_adds_is_survived(operations):
    assert found(*operations) == []


def test_an_index_is_added_to_a_table_that_is_there_while_others_write():
    waits = "AddIndex lamp_name: who writes to the table waits while the index is built: "
    new = migrations.AddIndex("switch", models.Index(fields=["id"], name="switch_id"))

    assert found(BY_NAME, migrations.RemoveIndex("lamp", "lamp_name"), atomic=False) == []
    assert found(NEW_MODEL, new) == []
    assert found(BY_NAME)[0].startswith(waits)
    assert found(add(null=True), BY_NAME, atomic=False)[0].startswith(waits)


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (add(null=True, db_index=True), "AddField lamp.colour: who writes to the table waits"),
        (add(null=True, unique=True), "AddField lamp.colour: who writes to the table waits"),
        (change(db_index=True), "AlterField lamp.name: the running version knows another kind"),
        (add(), "AddField lamp.colour: the running version inserts rows without it: "),
        (add(default="white"), "AddField lamp.colour: the running version inserts rows "),
        (change(max_length=5), "AlterField lamp.name: the running version knows another kind"),
        (change(unique=True), "AlterField lamp.name: the running version knows another kind"),
        (forbid("name"), "AddConstraint lamp_name_not_red: the running version may write"),
        (migrations.RemoveField("lamp", "name"), "RemoveField lamp.name: the running version"),
        (migrations.RenameField("lamp", "name", "title"), "RenameField lamp.name: the running"),
        (migrations.DeleteModel("lamp"), "DeleteModel Lamp: the running version still uses"),
        (migrations.RunPython(fill), "RunPython fill: whether the running version survives it"),
        (migrations.RunSQL("SELECT 1", ""), "RunSQL all: whether the running version survives it"),
    ],
)
def test_what_the_running_version_would_trip_over_is_found(operation, problem):
    [told] = found(operation)

    assert told.lower().startswith(problem.lower())


def test_a_comment_with_a_reason_lets_an_operation_pass():
    source = "        # survived RemoveField lamp.name: unused since 1.2\n"

    assert found(migrations.RemoveField("lamp", "name"), source=source) == []


@pytest.mark.parametrize(
    "comment",
    [
        "# survived RemoveField lamp.name:",
        "# survived RemoveField lamp.colour: unused since 1.2",
        "# survived AddField lamp.name: unused since 1.2",
    ],
)
def test_a_comment_about_something_else_or_without_a_reason_does_not(comment):
    assert len(found(migrations.RemoveField("lamp", "name"), source=comment)) == 1
