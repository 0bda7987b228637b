"""What a person changes about the account itself."""

from django.db import IntegrityError, transaction

from accounts import activity, agreements, versions
from accounts.deletion import MARKED_FOR_DELETION
from accounts.models import Account, AgreementType


class UsernameTaken(Exception):
    """Another account has the name."""


def check(
    account: Account, *, username: str | None = None, open_dataset: bool | None = None
) -> None:
    """Raise what ``update`` would, as things are now, for a request that does more than that."""
    others = Account.objects.exclude(pk=account.pk)
    if username is not None and others.filter(username=username).exists():
        raise UsernameTaken
    if open_dataset:
        agreements.in_force(AgreementType.OPEN_DATASET)


@transaction.atomic
def update(
    account: Account, *, username: str | None = None, open_dataset: bool | None = None
) -> None:
    """Change what is given, all or nothing.

    Raises:
        UsernameTaken: nothing changed.
        agreements.NotInForce: nothing changed; there is no Open Dataset agreement to accept.
    """
    if username is not None:
        _rename(account, username)
    if open_dataset is True:
        _join_open_dataset(account)
    elif open_dataset is False:
        _leave_open_dataset(account)


def _rename(account: Account, username: str) -> None:
    account.username = username
    try:
        with transaction.atomic():
            account.save(update_fields=["username"])
    except IntegrityError as error:
        raise UsernameTaken from error


def _join_open_dataset(account: Account) -> None:
    agreement = agreements.in_force(AgreementType.OPEN_DATASET)
    versions.bump_all_of(account)  # locks the account, too: what follows is counted once
    is_new = not agreements.has_open_dataset(account)
    agreements.accept(account, agreement)
    if is_new:
        activity.count(open_dataset=1, open_dataset_added=1)


def _leave_open_dataset(account: Account) -> None:
    versions.bump_all_of(account)
    account.wake_word_samples.update(status=MARKED_FOR_DELETION)
    acceptances = account.acceptances.filter(agreement__type=AgreementType.OPEN_DATASET)
    if acceptances.delete()[0]:
        activity.count(open_dataset=-1, open_dataset_deleted=1)
