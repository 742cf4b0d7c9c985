"""Cove after a crash: whatever was killed, at whatever moment, what remains is the truth."""
