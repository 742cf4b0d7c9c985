"""Measures a real Cove through its public client, every wall and durability on, beside the floors of the same run."""
