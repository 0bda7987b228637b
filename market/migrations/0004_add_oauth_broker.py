from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("market", "0003_add_install_requests")]

    operations = [
        migrations.AddField(
            model_name="oauthcredential",
            name="client_authentication",
            field=models.CharField(
                choices=[("header", "In the header (HTTP Basic)"), ("body", "In the body")],
                db_default="header",
                default="header",
                help_text="How the provider wants to be shown client id and secret.",
                max_length=10,
            ),
        ),
        # survived AddField oauthcredential.reference: a table of a few rows
        migrations.AddField(
            model_name="oauthcredential",
            name="reference",
            field=models.CharField(
                blank=True,
                help_text="What skills call it: the value of the field of type oauth in their "
                'settings, such as "1" in the Spotify skill. Its id works as well.',
                max_length=100,
                null=True,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="oauthtoken",
            name="asked_at",
            field=models.DateTimeField(blank=True, help_text="When the asking began.", null=True),
        ),
        migrations.AddField(
            model_name="oauthtoken",
            name="refreshed_until",
            field=models.DateTimeField(
                blank=True, help_text="Whoever refreshes the token has until then.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="oauthcredential",
            constraint=models.CheckConstraint(
                condition=models.Q(("client_authentication__in", ["header", "body"])),
                name="oauth_credential_authentication_known",
            ),
        ),
    ]
