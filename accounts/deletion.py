"""The end of an account."""

from collections.abc import Callable

from django.db import transaction

from accounts import activity, agreements, mail, payments, versions
from accounts.models import Account

# A status of wake word samples, which are above accounts: their files outlive the account until a
# job has removed them.
MARKED_FOR_DELETION = "pending_delete"
# What apps above have to do first: each is called in the transaction, with the account locked.
beforehand: list[Callable[[Account], None]] = []


@transaction.atomic
def delete(account: Account) -> None:
    """Delete ``account`` and all that belongs to it; its sessions and devices are refused at once.

    What it pays for is cancelled. Nothing happens if it is gone already.
    """
    # Locked, so that no device is paired to it meanwhile and two requests count one deletion.
    row = Account.objects.select_for_update().filter(pk=account.pk).first()
    if row is None:
        return
    was_member = int(payments.end_for_deletion(row))
    had_open_dataset = int(agreements.has_open_dataset(row))
    # Its devices too: what one stores in this moment would stand in the way of its end.
    list(row.devices.select_for_update().order_by("pk").values_list("pk"))
    versions.retire(row.devices.all())
    for prepare in beforehand:
        prepare(row)
    row.wake_word_samples.update(status=MARKED_FOR_DELETION)
    mail.forget(row.email)
    row.delete()
    activity.count(
        accounts=-1,
        accounts_deleted=1,
        members=-was_member,
        members_expired=was_member,
        open_dataset=-had_open_dataset,
        open_dataset_deleted=had_open_dataset,
    )
