"""Operators as staff: who works on a floor, and with which phone."""
