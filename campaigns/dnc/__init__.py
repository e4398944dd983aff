"""Do-not-call: numbers, prefixes and patterns that nobody may call."""
