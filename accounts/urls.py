"""Paths of this app."""

account_api: list = []
