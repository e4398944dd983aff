"""What came of a campaign, as a file: attempts, conversations, dispositions, answers."""
