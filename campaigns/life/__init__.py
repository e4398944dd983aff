"""What begins, pauses and ends a campaign by itself: schedule and goals."""
