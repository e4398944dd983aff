"""What an operator does with a live call: hold, consult, three-way, transfer, park, `*` codes."""
