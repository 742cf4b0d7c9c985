"""Cove: your own sandbox cloud for AI agents. Importing this does nothing but define names."""
