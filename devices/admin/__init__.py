"""Devices, and what they are made of, in the back office."""

from devices.admin import account, devices, places, reports, samples

__all__ = ["account", "devices", "places", "reports", "samples"]
