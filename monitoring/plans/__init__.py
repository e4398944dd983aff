"""Plans: what should be done on a working day; the report `plan` compares it with what was."""
