"""URLs with one view that answers what it was sent, behind the project's own middleware."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from selene_project.urls import handler400, handler404, handler500

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]


class EchoView(APIView):
    """GET and POST /api/echo: the query, the body."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response(request.query_params.dict())

    def post(self, request: Request) -> Response:
        return Response(request.data)


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("SELECT password FROM account")


urlpatterns = [path("api/echo", EchoView.as_view()), path("api/fail", fail)]
