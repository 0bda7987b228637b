"""Which email addresses are taken for one."""

import email_validator
from django.conf import settings

# Whether mail to a domain arrives is for the DNS check to say: a home's server may be called
# mail.home.local, and a home without internet needs no mail at all.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


class NotAnAddress(ValueError):
    """The text says what is wrong with it."""


def normalise(address: str) -> str:
    """Return ``address`` in its usual form (the domain in lower case, composed characters).

    Raises:
        NotAnAddress: no mail can go there.
    """
    try:
        checked = email_validator.validate_email(
            address.strip(), check_deliverability=settings.CHECK_EMAIL_DNS
        )
    except email_validator.EmailNotValidError as error:
        raise NotAnAddress(str(error)) from error
    return checked.normalized
