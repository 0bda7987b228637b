"""Which rows the audit log of the back office compares: those that staff may change."""

from django.apps import apps
from django.contrib.auth.models import Group

from accounts import audit
from accounts.models import (
    AccountActivity,
    EmailChange,
    OutgoingMail,
    PendingPayment,
    RecoveryCode,
    SecurityEvent,
    SignInSession,
    TwoStep,
)
from devices.models import (
    CoreInteraction,
    CoreMetric,
    DeviceToken,
    PairingSession,
    SttEngineDay,
    SttTranscription,
)
from geography.models import Correction, Gazetteer

APPS = ("geography", "accounts", "devices", "market")
# What the server itself writes while staff do something is no doing of theirs.
SERVERS_OWN = {
    AccountActivity,
    CoreInteraction,
    CoreMetric,
    Correction,
    DeviceToken,
    EmailChange,
    Gazetteer,
    OutgoingMail,
    PairingSession,
    PendingPayment,
    RecoveryCode,
    SecurityEvent,
    SignInSession,
    SttEngineDay,
    SttTranscription,
    TwoStep,
}
UNINTERESTING = {"last_contact_at", "version", "last_activity_at", "last_login", "search_name"}
# Values that people gave skills: their own business, and some are secrets.
PRIVATE = {"settings"}


def start() -> None:
    """Watch every model of ours that is not the server's own, now and when there are more."""
    audit.start()
    audit.watch(Group)
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            if model not in SERVERS_OWN:
                names = {column.name for column in model._meta.concrete_fields}
                audit.watch(model, but=names & (UNINTERESTING | PRIVATE))
