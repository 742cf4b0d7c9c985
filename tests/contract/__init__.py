"""The official clients, unmodified, against a real Cove: what a script of theirs may rely on."""
