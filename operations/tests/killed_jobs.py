"""What there is for each job to do, and what it comes to; for test_killed_jobs.py.

``result`` names no keys, so that the same rows made twice can be compared.
"""

import json
import os
import time
import uuid
import zipfile
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import agreements, mail, payments, sessions, version_cache
from accounts.models import (
    Account,
    AccountActivity,
    AgreementType,
    OutgoingMail,
    PendingPayment,
    SecurityEvent,
    SecurityEventKind,
    SignInSession,
    Subscription,
    TwoStep,
)
from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.stripe_stand_in import KEY, StripeStandIn
from devices import contacts, pairing, samples
from devices.models import (
    AccountPreferences,
    CoreInteraction,
    CoreMetric,
    Device,
    DeviceToken,
    PairingSession,
    SttEngineDay,
    SttTranscription,
    WakeWordSample,
)
from devices.tests.factories import make_device, make_token, make_voice, make_wake_word
from devices.tests.sounds import as_file, tone
from geography.models import City, Country, Gazetteer, OtherCityName, Region, Timezone
from geography.tests.factories import city_line, make_city, name_line, write_dump
from market.models import CatalogueEntry, DeviceSkill, Skill
from market.tests.factories import install, make_catalogue_entry, make_skill, text
from operations.models import ApiCallDay, FleetCount, JobRun

LONG_AGO = timedelta(days=1_000)
MONTHLY = "monthly_premium"
SOUNDS = [as_file(tone(0.1, hertz=hertz), format="WAV") for hertz in (300, 400, 500)]


def place(city):
    return {"city": city, "timezone": city.timezone}


class Job:
    """Something to do, in ``folder``."""

    arguments: tuple = ()
    is_frequent = False
    # Being done with it is to find nothing to do: another run is refused.
    ends_refused = False

    def __init__(self, folder, settings, httpserver):
        self.folder, self.settings, self.httpserver = folder, settings, httpserver

    def arrange(self):
        """Make the rows."""

    def again(self):
        """Do what time does until the next run."""

    def finish(self):
        """Return the commands that do the rest, as they would on any day."""
        return []

    def result(self):
        raise NotImplementedError


class PurgeExpired(Job):
    def arrange(self):
        for age in (timedelta(), LONG_AGO):
            at = timezone.now() - age
            device = make_device(make_account())
            session, _ = pairing.issue_code(state="9f0c")
            PairingSession.objects.filter(pk=session.pk).update(expires_at=at + pairing.LIFETIME)
            make_token(device)
            DeviceToken.objects.filter(device=device).update(superseded_at=at)
            sessions.start(device.account)
            SignInSession.objects.filter(account=device.account).update(last_used_at=at)
            CoreMetric.objects.create(device=device, name="odd", value={}, received_at=at)
            kind = SecurityEventKind.LOCKED_OUT
            SecurityEvent.objects.create(kind=kind, happened_at=at)
            OutgoingMail.objects.create(template="odd", recipient="a@b.test", created_at=at)
            Session.objects.create(session_key=f"{age.days}", expire_date=at + timedelta(days=1))
            values = {"day": at.date(), "started_at": at, "ended_at": at, "succeeded": False}
            JobRun.objects.create(name="daily_report", **values)
            file = settings.DATA_DIR / "mail" / f"{age.days}.eml"
            file.parent.mkdir(exist_ok=True)
            file.touch()
            os.utime(file, (at.timestamp(),) * 2)
        make_skill()

    def result(self):
        kinds = (PairingSession, DeviceToken, SignInSession, CoreMetric, SecurityEvent)
        counts = [kind.objects.count() for kind in (*kinds, OutgoingMail, Session, Skill)]
        return counts, JobRun.objects.filter(name="daily_report").count()


class DeleteWakeWordSamples(Job):
    def arrange(self):
        agreements.load_shipped(settings.FIXTURES_DIR / "agreements")
        for sound, stays in zip(SOUNDS, (True, False, False), strict=True):
            account = make_account()
            agreements.accept(account, agreements.in_force(AgreementType.OPEN_DATASET))
            options = {"wake_word": make_wake_word(), "model": "0", "recorded_at": timezone.now()}
            samples.store(account, sound, **options)
            if not stays:
                account.acceptances.all().delete()
        orphan = samples.path("ab" * 32)
        orphan.parent.mkdir(parents=True, exist_ok=True)
        orphan.touch()
        os.utime(orphan, (time.time() - 7_200,) * 2)

    def result(self):
        return list(WakeWordSample.objects.values_list("digest", "status"))


class SummariseStt(Job):
    is_frequent = True

    def arrange(self):
        account = make_account()
        for age, engine in (
            (2, "vosk"),
            (2, "pocketsphinx"),
            (2, "vosk"),
            (3, "vosk"),
            (0, "vosk"),
        ):
            at = timezone.now().replace(hour=12) - timedelta(days=age)
            values = {"engine": engine, "succeeded": True, "requested_at": at}
            SttTranscription.objects.create(
                account=account, audio_seconds=2.0, transcription_seconds=0.5, **values
            )

    def result(self):
        sums = SttEngineDay.objects.order_by("day", "engine")
        values = sums.values_list("day", "engine", "requests", "successes", "audio_seconds")
        return list(values), SttTranscription.objects.count()


class LoadSkills(Job):
    arguments = ("--core-version", "21.02", "--file", "skills.json")

    def arrange(self):
        make_catalogue_entry("old|21.02")
        make_catalogue_entry("timer|21.02")
        gids = ("timer|21.02", "moon|21.02", "sun|21.02")
        entries = {gid: {"skill_gid": gid, "title": gid} for gid in gids}
        (self.folder / "skills.json").write_text(json.dumps(entries))

    def result(self):
        entries = CatalogueEntry.objects.order_by("skill__skill_gid")
        gids = Skill.objects.order_by("skill_gid").values_list("skill_gid", flat=True)
        return list(entries.values_list("skill__skill_gid", "display_data")), list(gids)


class WithStripe(Job):
    def __init__(self, folder, settings, httpserver):
        super().__init__(folder, settings, httpserver)
        self.settings.STRIPE_PRIVATE_KEY = KEY
        self.httpserver.clear()
        self.stripe = StripeStandIn(httpserver)
        self.settings.STRIPE_API_BASE = self.stripe.url

    def make_member(self, membership, **fields):
        account = make_account(**fields)
        key = self.stripe.subscribe(account.pk)
        customer = self.stripe.subscriptions[key]["customer"]
        make_subscription(account, membership, payment_id=key, payment_account_id=customer)
        return key

    def result(self):
        statuses = [each["status"] for each in self.stripe.subscriptions.values()]
        counts = AccountActivity.objects.values_list(
            "members", "members_added", "members_expired", "accounts", "accounts_deleted"
        )
        rows = Subscription.objects.order_by("payment_id")
        periods = [(each.payment_id, each.ended_at is None) for each in rows]
        return (
            statuses,
            self.stripe.charges,
            len(self.stripe.customers),
            list(counts),
            periods,
            PendingPayment.objects.count(),
        )


class ReconcileMemberships(WithStripe):
    def arrange(self):
        monthly = make_membership(stripe_plan=MONTHLY)
        self.make_member(monthly)
        ended = self.make_member(monthly)
        self.stripe.subscriptions[ended]["status"] = "canceled"
        self.stripe.subscribe(make_account().pk)  # paid, and not known here
        buyer = make_account()  # whose server died when Stripe had answered
        paid = self.stripe.subscriptions[self.stripe.subscribe(buyer.pk)]
        old = timezone.now() - 2 * payments.UNDER_WAY
        values = {"membership": monthly, "created_at": old, "customer_id": paid["customer"]}
        PendingPayment.objects.create(account=buyer, **values)


class DeleteAccount(WithStripe):
    arguments = ("ada@example.com", "--yes")
    ends_refused = True

    def arrange(self):
        self.make_member(make_membership(stripe_plan=MONTHLY), email="ada@example.com")
        install(make_device(Account.objects.get()), "timer|21.02", text("user"), user="ada")
        make_device()

    def finish(self):
        PendingPayment.objects.update(created_at=timezone.now() - 2 * payments.UNDER_WAY)
        return [("reconcile_memberships",)]

    def result(self):
        rows = Account.objects.count(), Device.objects.count(), DeviceSkill.objects.count()
        return rows, super().result()


class SendMail(Job):
    is_frequent = True

    def arrange(self):
        self.settings.EMAIL_BACKEND = "accounts.upstream.mail_services.Files"
        for name in ("ada", "bob", "cyd"):
            mail.send("password_changed", f"{name}@example.com")
        OutgoingMail.objects.update(sent_at=None)
        self.again()

    def again(self):
        OutgoingMail.objects.filter(sent_at=None).update(next_attempt_at=timezone.now())

    def result(self):
        rows = OutgoingMail.objects.order_by("recipient")
        mails = [file.read_bytes() for file in (settings.DATA_DIR / "mail").iterdir()]
        to = sorted(line for each in mails for line in each.splitlines() if line[:3] == b"To:")
        return [(each.recipient, each.state, each.text) for each in rows], to


class DailyReport(SendMail):
    is_frequent = False

    def arrange(self):
        self.settings.EMAIL_BACKEND = "accounts.upstream.mail_services.Files"
        self.settings.REPORT_RECIPIENT = "boss@example.com"
        make_device()

    def finish(self):
        self.again()
        return [("send_mail",)]


class CountFleet(Job):
    is_frequent = True

    def arrange(self):
        device = make_device(last_contact_at=timezone.now(), **place(make_city()))
        install(device, "timer|21.02")
        make_device(platform="picroft")

    def result(self):
        rows = FleetCount.objects.order_by("kind", "key").exclude(kind="city")
        return list(rows.values_list("day", "kind", "key", "count"))


class LoadGeonames(Job):
    arguments = ("--from", "dump")

    def arrange(self):
        names = [name_line(1, "KC"), name_line(2, "Indie")]
        lines = [city_line(1, "Kansas City"), city_line(2, "Independence")]
        write_dump(self.folder / "dump", lines, names=names)
        gone = make_city("Atlantis")
        make_device(**place(gone))
        make_city("Gone")

    def result(self):
        kinds = (Country, Region, Timezone, OtherCityName, Gazetteer)
        cities = City.objects.order_by("name").values_list("name", "latitude")
        return list(cities), [kind.objects.count() for kind in kinds]


class LoadGeonamesOfToday(LoadGeonames):
    """Downloaded, so into a temporary folder."""

    arguments = ()

    def arrange(self):
        super().arrange()
        self.httpserver.clear()
        self.settings.GEONAMES_URL = self.httpserver.url_for("")
        for file in (self.folder / "dump").iterdir():
            request = self.httpserver.expect_request(f"/{file.name}")
            request.respond_with_data(file.read_bytes())


class ParseCoreMetrics(Job):
    arguments = ("--day", "2026-03-10")

    def arrange(self):
        noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
        for device in (make_device(), make_device()):
            for core_id, system in (("a", "stt"), ("a", "speech"), ("b", "stt")):
                value = {"id": core_id, "system": system, "time": 0.5}
                CoreMetric.objects.create(
                    device=device, name="timing", value=value, received_at=noon
                )

    def result(self):
        rows = CoreInteraction.objects.order_by("core_id", "device__name")
        return list(rows.values_list("core_id", "started_at", "stt_seconds", "tts_seconds"))


class SeedDemo(Job):
    arguments = ("--accounts", 24, "--devices", 40)

    def arrange(self):
        make_voice()
        make_wake_word()
        make_city()
        make_membership()
        agreements.load_shipped(settings.FIXTURES_DIR / "agreements")
        for number in range(3):
            make_catalogue_entry(f"skill-{number}|21.02")

    def result(self):
        kinds = (Account, AccountPreferences, Subscription, Device, DeviceSkill, CoreMetric)
        days = (AccountActivity, SttEngineDay, ApiCallDay)
        return [kind.objects.count() for kind in (*kinds, *days)]


class ExportAccount(Job):
    arguments = ("ada@example.com", "--to", "ada.zip")

    def arrange(self):
        device = make_device(make_account("ada@example.com"))
        install(device, "timer|21.02", text("user"), user="ada")

    def result(self):
        with zipfile.ZipFile(self.folder / "ada.zip") as archive:
            rows = {name: archive.read(name) for name in archive.namelist()}
        return {name: text.count(b"\n") for name, text in rows.items()}


class Backup(Job):
    arguments = ("selene.zip",)

    def arrange(self):
        make_device(make_account("ada@example.com"))
        (settings.DATA_DIR / "wake-words").mkdir(exist_ok=True)
        (settings.DATA_DIR / "wake-words" / "ab12").write_bytes(b"a sound")

    def result(self):
        with zipfile.ZipFile(self.folder / "selene.zip") as archive:
            tables = json.loads(archive.read("manifest.json"))["tables"]
            kept = [each["rows"] for each in tables if each["model"] == "devices.device"]
            return kept, archive.testzip(), archive.read("files/wake-words/ab12")


class RestoreRoles(Job):
    def arrange(self):
        Group.objects.all().delete()

    def result(self):
        groups = Group.objects.order_by("name")
        return [(each.name, each.permissions.count()) for each in groups]


class ResetTwoStep(Job):
    arguments = ("ada@example.com",)

    def arrange(self):
        TwoStep.objects.create(user=make_account("ada@example.com"), encrypted_key=uuid.uuid4().hex)

    def result(self):
        return TwoStep.objects.count()


class UpdateLastContact(Job):
    is_frequent = True
    times = (1_700_000_000, 1_700_000_100, 1_700_000_200)

    def arrange(self):
        self.redis = version_cache.client()
        for number, seconds in enumerate(self.times):
            device = make_device(name=f"Device {number}")
            self.redis.hset(contacts.KEY, str(device.pk), seconds)

    def result(self):
        rows = Device.objects.order_by("name").values_list("last_contact_at", flat=True)
        return list(rows), self.redis.keys("selene:contacts*")


JOBS = {
    "backup": Backup,
    "count_fleet": CountFleet,
    "daily_report": DailyReport,
    "delete_account": DeleteAccount,
    "delete_wake_word_samples": DeleteWakeWordSamples,
    "export_account": ExportAccount,
    "load_geonames": LoadGeonames,
    "load_geonames, downloaded": LoadGeonamesOfToday,
    "load_skills": LoadSkills,
    "parse_core_metrics": ParseCoreMetrics,
    "purge_expired": PurgeExpired,
    "reconcile_memberships": ReconcileMemberships,
    "reset_two_step": ResetTwoStep,
    "restore_roles": RestoreRoles,
    "seed_demo": SeedDemo,
    "send_mail": SendMail,
    "summarise_stt": SummariseStt,
    "update_last_contact": UpdateLastContact,
}
