"""AGB's official client, in its first generation and in the newest."""
