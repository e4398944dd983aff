"""Calling hours: when a person may be called, in their own local time."""
