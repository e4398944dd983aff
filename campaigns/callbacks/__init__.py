"""Callbacks: a person is called again at an agreed time, by the same operator or by anyone."""
