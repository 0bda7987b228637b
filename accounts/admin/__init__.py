"""Accounts, and what goes with them, in the back office."""

from accounts.admin import accounts, agreements, payments, records

__all__ = ["accounts", "agreements", "payments", "records"]
