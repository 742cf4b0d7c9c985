"""AgentBay's client, of five releases, sync and async."""
