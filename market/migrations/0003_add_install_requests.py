import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("market", "0002_add_catalogue_revisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="InstallRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "family_name",
                    models.CharField(help_text='E.g. "mycroft-timer".', max_length=300),
                ),
                (
                    "request",
                    models.CharField(
                        choices=[("install", "Install"), ("remove", "Remove")], max_length=10
                    ),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="install_requests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "family_name"), name="install_request_one_per_skill"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("request__in", ["install", "remove"])),
                        name="install_request_known",
                    ),
                ],
            },
        ),
    ]
