"""What operators say: steps with branches and placeholders."""
