"""The message that people hear when no operator came in time."""
