"""Supervisors on operators' lines: listen, whisper, barge."""
