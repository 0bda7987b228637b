"""In which form an answer is."""

from collections.abc import Iterable
from typing import cast

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneForm(DefaultContentNegotiation):
    """Whatever a client would rather accept, where an answer has one form it comes in that."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        first, *others = renderers
        if not others:
            return first, first.media_type
        chosen = super().select_renderer(request, [first, *others], format_suffix)
        return cast(tuple[BaseRenderer, str], chosen)
