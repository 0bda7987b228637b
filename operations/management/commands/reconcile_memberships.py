"""Compares the memberships with what is paid at Stripe."""

from typing import Any

from django.core.management.base import CommandError

from accounts import reconciliation
from accounts.exceptions import NotConfigured
from accounts.upstream import http
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Compare the memberships with what is paid at Stripe, and settle the difference."

    def run(self, **options: Any) -> str:  # noqa: ANN401
        try:
            return str(reconciliation.reconcile())
        except (http.Unavailable, http.Busy, NotConfigured) as error:
            raise CommandError(str(error)) from error
