"""What the API's description says of accounts: how they authenticate, what errors look like.

What any call can answer because of what it is (401, 404, 429 and so on) no view has to say.
"""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from accounts import cookies

ERROR = inline_serializer("Error", {"error": serializers.CharField(help_text="The reason.")})
# Of calls for which a service outside is asked; 429 if too many requests wait for services
UPSTREAM = {429: ERROR, 502: ERROR, 504: ERROR}
EMPTY = OpenApiResponse(description="Done; the body is empty.")


class AccountAuthenticationScheme(OpenApiAuthenticationExtension):
    """The cookies, or an access token in a header."""

    target_class = "accounts.authentication.AccountAuthentication"
    name = ["accountCookies", "accountToken"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]  # either is enough

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {"type": "apiKey", "in": "cookie", "name": cookies.ACCESS},
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        ]
