"""What the views of several apps answer when something is missing."""

from rest_framework import status
from rest_framework.exceptions import APIException


class NotConfigured(APIException):
    """503: the operator gave no key for a service that the call needs."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "not_configured"

    def __init__(self, setting: str) -> None:
        super().__init__(f"{setting} is not set")


class PaymentRefused(APIException):
    """402: the card was not charged; the reason is in the words of who was to charge it."""

    status_code = status.HTTP_402_PAYMENT_REQUIRED
    default_code = "payment_refused"
