"""Campaigns: what is dialed, how, when, by whom."""
