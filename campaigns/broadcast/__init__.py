"""Broadcast: messages and surveys by keys, without an operator."""
