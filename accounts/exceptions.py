"""What the views of several apps answer when something is missing."""

from rest_framework import status
from rest_framework.exceptions import APIException


class NotConfigured(APIException):
    """503: the operator gave no key for a service that the call needs."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "not_configured"

    def __init__(self, setting: str) -> None:
        super().__init__(f"{setting} is not set")
