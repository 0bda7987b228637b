"""Recognising a device by its access token."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import Account
from devices import fast_path, tokens
from devices.models import Device

# In the words of the first Selene
NOTHING_SENT = "Oauth token not found"
OF_ANOTHER_DEVICE = (
    "Device ID specified in request does not match device ID for the Oauth token found in the "
    "Authorization header"
)


class DeviceRequest(Request):
    """The request of a view that only devices reach, for its type hints alone."""

    user: Account
    auth: Device


class DeviceTokenAuthentication(BaseAuthentication):
    """``request.user`` becomes the device's account and ``request.auth`` the device.

    A token used on another device's path is a 401, not a 403, because mycroft-core takes only a
    401 to mean "pair again".
    """

    def authenticate(self, request: Request) -> tuple[Account, Device]:
        device = self._device(request._request)
        claimed = request.parser_context["kwargs"].get("device_id", str(device.pk))
        if claimed != str(device.pk):
            raise AuthenticationFailed(OF_ANOTHER_DEVICE)
        fast_path.note_contact(request._request, device)
        return device.account, device

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _device(self, request: HttpRequest) -> Device:
        token = fast_path.bearer(request)
        if "Authorization" not in request.headers:
            raise AuthenticationFailed(NOTHING_SENT)
        if not token:
            raise AuthenticationFailed(fast_path.REFUSAL)
        token_digest = tokens.digest(token)
        try:
            if fast_path.is_refused(request, token_digest):
                raise tokens.NotRecognised
            return tokens.recognise(token_digest)
        except tokens.NotRecognised as error:
            fast_path.remember_refused(token_digest)
            raise AuthenticationFailed(fast_path.REFUSAL) from error
