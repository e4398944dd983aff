"""Recordings of conversations: one file each, kept for a time, heard by few."""
