"""The public API on a whole Cove: every behaviour through both clients and both doors."""
