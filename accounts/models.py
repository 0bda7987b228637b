"""People who have devices: accounts, what they agreed to, what they pay for, how they sign in."""

import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django_otp.models import Device as OneTimeCodes
from django_otp.models import ThrottlingMixin

from accounts.prefix_index import PrefixIndex


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts and finds them by email address, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "Account":
        """Save an account; without ``password`` nobody can sign in with one."""
        account = self.model(email=email.strip(), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str, **fields: object) -> "Account":
        """Save an account that may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def with_email(self, email: str) -> models.QuerySet["Account"]:
        """Return the account with the address ``email``, in any case; by the index of the rule."""
        return self.alias(folded=Lower("email")).filter(folded=Lower(Value(email)))

    def get_by_natural_key(self, username: str | None) -> "Account":
        account = self.with_email(username or "").get()
        # Databases fold more letters than Python does ("\u0130" to "i"), and failed logins are
        # counted by Python's folding: two names of one account would have two counts.
        if account.email.lower() != (username or "").strip().lower():
            raise self.model.DoesNotExist
        return account


class Account(AbstractBaseUser, PermissionsMixin):
    """A person or household; owns devices, signs in with its email address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("email address", max_length=254)
    username = models.CharField(max_length=150, null=True, blank=True, unique=True)  # noqa: DJ001 - many have none, and none is not unique
    password = models.CharField(max_length=200, help_text="Unusable for federated logins.")
    email_proven_at = models.DateTimeField(
        null=True, blank=True, help_text="When the person showed that mail to the address arrives."
    )
    is_active = models.BooleanField("may sign in", default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_activity_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AccountManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="account_email_unique",
                violation_error_message="an account with this address exists",
            )
        ]
        permissions = [("export_account", "Can export all data of an account")]
        indexes = [
            PrefixIndex(Lower("email"), name="account_email_prefix"),
            # For lists of the few: a filter would read all the others.
            models.Index(fields=["id"], condition=Q(is_staff=True), name="account_staff"),
            models.Index(fields=["id"], condition=Q(is_active=False), name="account_locked"),
        ]

    def __str__(self) -> str:
        return self.email


class SignInSession(models.Model):
    """One browser or program that signed in; ended, its cookies are refused at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sessions")
    refresh_digest = models.CharField(
        max_length=64, help_text="SHA-256 of the id of the refresh token that is good now."
    )
    client = models.CharField(max_length=200, blank=True, help_text="User-Agent, shortened.")
    address = models.GenericIPAddressField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    exchanged_at = models.DateTimeField(
        null=True, blank=True, help_text="When its refresh token was last exchanged for another."
    )
    last_used_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_used_at"]
        indexes = [models.Index(fields=["last_used_at"], name="session_last_used")]

    def __str__(self) -> str:
        return f"{self.client or 'unknown client'}, since {self.started_at:%Y-%m-%d}"


class SecurityEventKind(models.TextChoices):
    REFRESH_REUSED = "refresh_reused", "Sign-in refresh token used again"
    DEVICE_REFRESH_REUSED = "device_refresh_reused", "Device refresh token used again"
    LOCKED_OUT = "locked_out", "Locked out after failed logins"
    PASSWORD_CHANGED = "password_changed", "Password changed"  # noqa: S105
    EMAIL_CHANGED = "email_changed", "Email address changed"
    STAFF_SIGNED_IN = "staff_signed_in", "Staff signed in"
    TWO_STEP_SET_UP = "two_step_set_up", "Two-step login set up"
    TWO_STEP_REMOVED = "two_step_removed", "Two-step login removed"
    TWO_STEP_FAILED = "two_step_failed", "Wrong code after the right password"
    RECOVERY_CODE_USED = "recovery_code_used", "Signed in with a recovery code"


class SecurityEvent(models.Model):
    """Something an owner or operator may want to look into; kept 90 days."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=30, choices=SecurityEventKind)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, blank=True, related_name="security_events"
    )
    device_id = models.UUIDField(
        null=True, blank=True, help_text="No foreign key: the event outlives the device."
    )
    address = models.GenericIPAddressField(null=True, blank=True)
    detail = models.JSONField(default=dict, blank=True, help_text="Never holds a secret.")
    happened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-happened_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=SecurityEventKind.values), name="security_event_kind_known"
            )
        ]
        indexes = [models.Index(fields=["happened_at"], name="security_event_happened")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.happened_at:%Y-%m-%d %H:%M}"


class TwoStep(ThrottlingMixin, OneTimeCodes):
    """The app that makes the codes for the second step of a staff member's login.

    django-otp's own model keeps the key as anyone can read it who sees a backup.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="two_step")
    name = None
    confirmed = models.BooleanField(
        default=False, help_text="Whether a code of it was typed in: until then it counts nothing."
    )
    encrypted_key = models.CharField(max_length=200)
    last_step = models.BigIntegerField(
        default=-1, help_text="Codes of this half minute and of those before it are used up."
    )

    class Meta:
        verbose_name = "two-step login"

    def __str__(self) -> str:
        return f"two-step login of {self.user}"

    def get_throttle_factor(self) -> int:
        """Return the seconds to wait after a wrong code; each further one doubles them."""
        return 1


class RecoveryCode(models.Model):
    """Signs a staff member in once, in place of a code of the app."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    two_step = models.ForeignKey(TwoStep, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of 80 random bits.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["two_step", "digest"], name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"a recovery code of {self.two_step_id}"


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def due(self) -> "OutgoingMailQuerySet":
        """Return what should be sent now."""
        return self.filter(next_attempt_at__lte=timezone.now())


class OutgoingMail(models.Model):
    """A mail that is to be sent or was; kept 30 days, without its text once it is out."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template = models.CharField(max_length=100, help_text='Which mail, e.g. "password_reset".')
    recipient = models.EmailField(max_length=254)
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True, help_text="Encrypted.")
    html = models.TextField(blank=True, help_text="Encrypted.")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        default=timezone.now, null=True, blank=True, help_text="None once sent or given up."
    )
    last_error = models.CharField(max_length=200, blank=True)

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "outgoing mail"
        indexes = [
            models.Index(fields=["next_attempt_at"], name="mail_due"),
            models.Index(fields=["created_at"], name="mail_created"),
            models.Index(fields=["recipient"], name="mail_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}, {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> str:
        if self.sent_at:
            return "sent"
        return "waiting" if self.next_attempt_at else "given up"


class EmailChange(models.Model):
    """The address that an account asked to have instead, until mail to it is proven to arrive.

    One an account: whoever asks again, having mistyped it, makes the first link void.
    """

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False, help_text="In the token of the link."
    )
    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField("new email address", max_length=254)
    requested_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"to {self.email}, {self.requested_at:%Y-%m-%d %H:%M}"


class AgreementType(models.TextChoices):
    PRIVACY_POLICY = "Privacy Policy", "Privacy Policy"
    TERMS_OF_USE = "Terms of Use", "Terms of Use"
    OPEN_DATASET = "Open Dataset", "Open Dataset"


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def in_force(self) -> "AgreementQuerySet":
        """Return, per type, the newest version that took effect today or before."""
        newest = (
            Agreement.objects.filter(
                type=models.OuterRef("type"), effective_on__lte=timezone.now().date()
            )
            .order_by("-effective_on")
            .values("pk")[:1]
        )
        return self.filter(pk=models.Subquery(newest))


class Agreement(models.Model):
    """A version of a text that accounts accept.

    It is in force from its day until the next version's: no two of a type ever overlap, because
    there is no end to get wrong.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=30, choices=AgreementType)
    version = models.CharField(max_length=20, help_text='E.g. "1".')
    effective_on = models.DateField(help_text="First day in force.")
    content = models.TextField(help_text="Markdown.")

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["type", "-effective_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["type", "effective_on"], name="agreement_one_in_force_per_day"
            ),
            models.UniqueConstraint(fields=["type", "version"], name="agreement_version_unique"),
            models.CheckConstraint(
                condition=Q(type__in=AgreementType.values), name="agreement_type_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.version}"


class Acceptance(models.Model):
    """An account's yes to one version of an agreement."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="acceptances")
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="acceptances")
    accepted_on = models.DateField()

    class Meta:
        ordering = ["agreement__type"]
        constraints = [
            models.UniqueConstraint(fields=["account", "agreement"], name="acceptance_once")
        ]

    def __str__(self) -> str:
        return f"{self.agreement}, {self.accepted_on}"


class RatePeriod(models.TextChoices):
    MONTH = "month", "Month"
    YEAR = "year", "Year"


class Membership(models.Model):
    """What an account can pay for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=50, unique=True, help_text='E.g. "Monthly Membership".')
    rate = models.DecimalField(max_digits=6, decimal_places=2, help_text="US dollars a period.")
    rate_period = models.CharField(max_length=10, choices=RatePeriod)
    stripe_plan = models.CharField(max_length=100, unique=True, help_text="Stripe's plan id.")

    class Meta:
        ordering = ["rate"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_period__in=RatePeriod.values), name="membership_period_known"
            ),
            models.CheckConstraint(condition=Q(rate__gte=0), name="membership_rate_not_negative"),
        ]

    def __str__(self) -> str:
        return self.type


class PaymentMethod(models.TextChoices):
    STRIPE = "Stripe", "Stripe"
    PAYPAL = "PayPal", "PayPal"
    GIFT = "Gift", "Gift"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def active(self) -> "SubscriptionQuerySet":
        """Return what has not been ended: at most one an account."""
        return self.filter(ended_at=None)

    def with_paid_since(self) -> "SubscriptionQuerySet":
        """Add ``paid_since``: the start of the first of the periods that are paid as one."""
        periods = Subscription.objects.filter(
            account=models.OuterRef("account"), payment_id=models.OuterRef("payment_id")
        )
        first = periods.order_by("started_at").values("started_at")[:1]
        return self.annotate(paid_since=models.Subquery(first))


class Subscription(models.Model):
    """A period in which an account has a membership, which it pays for unless it is a gift.

    An account's periods never overlap: each has its own start, only one is open, and a closed one
    counts from its start to its end or the next one's start, whichever comes first. Who changes
    to another membership begins a new period, paid by the same subscription.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="subscriptions"
    )
    payment_method = models.CharField(max_length=20, choices=PaymentMethod)
    payment_account_id = models.CharField(max_length=255, help_text="Stripe's customer id.")
    payment_id = models.CharField(max_length=255, help_text="Stripe's subscription.")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    given_until = models.DateField(
        null=True, blank=True, help_text="Last day of a gift; a job ends it in the night after."
    )
    paid_since: datetime  # of ``with_paid_since``

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at=None), name="subscription_one_open"
            ),
            models.UniqueConstraint(
                fields=["payment_id"], condition=Q(ended_at=None), name="subscription_pays_once"
            ),
            models.UniqueConstraint(
                fields=["account", "started_at"], name="subscription_starts_apart"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="subscription_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(payment_method__in=PaymentMethod.values),
                name="subscription_payment_method_known",
            ),
        ]
        indexes = [models.Index(fields=["started_at"], name="subscription_started")]

    def __str__(self) -> str:
        return f"{self.membership} since {self.started_at:%Y-%m-%d}"


class PendingPayment(models.Model):
    """Something at Stripe that may cost money and that no subscription here tells of, yet.

    Saved before Stripe is asked and gone once the outcome is in the tables, so that what a dying
    server leaves behind is found: a new membership, of which only the customer at Stripe is known,
    or, of an account that is deleted, a subscription to cancel.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.OneToOneField(
        Account,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="pending_payment",
        help_text="Who becomes a member; none: nobody is to pay.",
    )
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, blank=True)
    customer_id = models.CharField(
        max_length=255, blank=True, help_text="Stripe's; none, and nothing can be paid yet."
    )
    subscription_id = models.CharField(
        max_length=255, blank=True, help_text="Stripe's, to be cancelled."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.subscription_id or self.customer_id or 'no customer'}, {self.created_at}"


class AccountActivity(models.Model):
    """One day's counts over all accounts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    day = models.DateField(unique=True)
    accounts = models.PositiveIntegerField(default=0, help_text="All at the end of the day.")
    accounts_added = models.PositiveIntegerField(default=0)
    accounts_deleted = models.PositiveIntegerField(default=0)
    accounts_active = models.PositiveIntegerField(default=0, help_text="Each once a day.")
    members = models.PositiveIntegerField(default=0)
    members_added = models.PositiveIntegerField(default=0)
    members_expired = models.PositiveIntegerField(default=0)
    members_active = models.PositiveIntegerField(default=0)
    open_dataset = models.PositiveIntegerField(default=0)
    open_dataset_added = models.PositiveIntegerField(default=0)
    open_dataset_deleted = models.PositiveIntegerField(default=0)
    open_dataset_active = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        verbose_name_plural = "account activity"

    def __str__(self) -> str:
        return str(self.day)
