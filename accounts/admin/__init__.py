"""Accounts, and what goes with them, in the back office."""

from accounts.admin import accounts, agreements, given, payments, records, sessions

__all__ = ["accounts", "agreements", "given", "payments", "records", "sessions"]
