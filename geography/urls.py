"""Paths of this app."""

account_api: list = []
device_api: list = []
