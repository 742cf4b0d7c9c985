"""agentbay-lite, a small client of AgentBay's wire for browsers: its session half, over TLS, which it insists on."""
