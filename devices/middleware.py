"""What released device clients need of answers before any view is asked."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

LOGIN_PATHS = {"/v1/device/activate", "/v1/auth/token"}


class EmptyRefusals:
    """Empties every answer but 200 on the paths that give tokens.

    ovos-backend-client takes any JSON from them for a login, an error's too. Here and not in the
    views, because a body over the limit, a bad host or a mistake of ours is answered outside them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info in LOGIN_PATHS and response.status_code != 200:
            response.content = b""
            response.headers["Content-Length"] = "0"
        return response
