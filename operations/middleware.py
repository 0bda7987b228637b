"""Counting what is answered."""

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse

from operations import statistics


class CountCalls:
    """Counts each request by its route; outermost, so that no answer passes by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = perf_counter()
        response = self.get_response(request)
        statistics.note_request(request, response.status_code, perf_counter() - begun)
        return response
