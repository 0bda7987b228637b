"""What the API's description says of every call, so that no view has to."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.permissions import SAFE_METHODS

from accounts.openapi import ERROR
from devices.middleware import LOGIN_PATHS

Operation = dict[str, Any]
FIELDS = {"type": "object", "additionalProperties": True}
REASONS = {
    400: "Malformed: reasons by field, named and nested as in the request, or one `error`.",
    401: "No credentials, or none that are good any more.",
    403: "A browser says that another site's page asks for this.",
    404: "There is no such thing, or it is somebody else's.",
    411: "The length of the body is not announced.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    429: "Too many requests; `Retry-After` says for how many seconds.",
    503: "The database is away, or what this needs is not configured.",
}


class DescribedSchema(AutoSchema):
    """Adds the errors that a call can have because of what it is, not because of what it does."""

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> Operation | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            for code in self._codes(operation):
                self._add(operation["responses"], code)
            operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def _add(self, responses: dict[str, Operation], code: int) -> None:
        """Describe an error beside what the view itself answers with that status, if anything."""
        described = self._describe(code)
        own = responses.setdefault(str(code), described)
        if "content" in own:
            own["content"] = described.get("content", {}) | own["content"]

    def _codes(self, operation: Operation) -> list[int]:
        """Return the errors that are possible before the view is asked, or without its doing."""
        security = operation.get("security", [{}])
        possible = {
            400: True,
            401: {} not in security,
            403: self.path.startswith("/api/") and self.method not in SAFE_METHODS,
            404: "{" in self.path,
            **dict.fromkeys((411, 413, 415), "requestBody" in operation),
            429: bool(self.view.get_throttles()),
            503: True,
        }
        return [code for code, is_possible in possible.items() if is_possible]

    def _describe(self, code: int) -> Operation:
        if self.path in LOGIN_PATHS:
            return {"description": f"{REASONS[code]} The body is empty."}
        error = self.resolve_serializer(ERROR, "response").ref
        content = {"application/json": {"schema": FIELDS if code == 400 else error}}
        return {"content": content, "description": REASONS[code]}
