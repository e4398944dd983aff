"""Consent: who agreed to be called, since when, and how it can be proved."""
