"""Signing in and up with Google, Facebook or GitHub.

1. ``identify`` has the platform say whose token it is, and that it was issued to us.
2. ``recognise`` returns the account of that person: by the link made at an earlier login, else by
   the address that the platform verified, and links it.
3. ``sign_up`` makes an account for a person who has none.

Whoever has proven an address, by a platform, is whom the account belongs to: what somebody else
may have set up for that address is void from then on.
"""

from types import ModuleType

from django.db import IntegrityError, transaction
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts import passwords, registration
from accounts.models import Account
from sso.upstream import facebook, github, google
from sso.upstream.identities import Identity

PLATFORMS: dict[str, ModuleType] = {
    module.PLATFORM: module for module in (facebook, google, github)
}


class NoAccount(Exception):
    """The person has none, or one that may not sign in; nothing changed."""


class NoVerifiedAddress(Exception):
    """The platform vouches for no address of the person; nothing changed."""


class AlreadyLinked(Exception):
    """The person has an account, with another address; nothing changed."""


def identify(platform: str, token: str) -> Identity:
    """Return whose ``token`` of ``platform``, one of ``PLATFORMS``, it is.

    Raises:
        NotConfigured, Refused, Busy, Unavailable: as the platform's module says.
    """
    return PLATFORMS[platform].identify(token)


def recognise(identity: Identity, *, address: str | None = None) -> Account:
    """Return the account of ``identity``, who asks from ``address``; link it at the first login.

    Raises:
        NoAccount: there is none.
    """
    account = _linked(identity) or _join(identity, address)
    if not account.is_active:
        raise NoAccount
    return account


def sign_up(identity: Identity) -> Account:
    """Create the account of a person who agrees to what is required.

    Raises:
        NoVerifiedAddress, AlreadyLinked, AddressInUse: nothing changed.
    """
    if identity.email is None:
        raise NoVerifiedAddress
    account = Account(email=identity.email, email_proven_at=timezone.now())
    account.set_unusable_password()
    with transaction.atomic():
        registration.enter(account)
        _link(account, identity)
        registration.count()
    return account


def has_account(identity: Identity) -> bool:
    """Tell whether ``identity`` has an account, to sign in to instead of signing up."""
    if _linked(identity) is not None:
        return True
    return identity.email is not None and Account.objects.with_email(identity.email).exists()


def _linked(identity: Identity) -> Account | None:
    links = UserSocialAuth.objects.select_related("user")
    link = links.filter(provider=identity.provider, uid=identity.subject).first()
    return None if link is None else link.user


@transaction.atomic
def _join(identity: Identity, address: str | None) -> Account:
    """Link the account that has the address of ``identity``, and return it."""
    if identity.email is None:
        raise NoAccount
    # Locked, so that of several first logins one voids and links, and the others find that done.
    accounts = Account.objects.with_email(identity.email).filter(is_active=True)
    account = accounts.select_for_update(no_key=True).first()
    if account is None:
        raise NoAccount
    try:
        _link(account, identity)
    except AlreadyLinked:
        return _linked(identity) or account
    if account.email_proven_at is None:
        _hand_over(account, address)
    return account


def _hand_over(account: Account, address: str | None) -> None:
    """Take ``account`` from whoever set it up and give it to whom its address belongs."""
    account.set_unusable_password()
    passwords.save(account, address=address)
    account.email_proven_at = timezone.now()
    account.save(update_fields=["email_proven_at"])


def _link(account: Account, identity: Identity) -> None:
    try:
        with transaction.atomic():
            UserSocialAuth.objects.create(
                user=account, provider=identity.provider, uid=identity.subject
            )
    except IntegrityError as error:
        raise AlreadyLinked from error
