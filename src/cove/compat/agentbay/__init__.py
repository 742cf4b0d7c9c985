"""AgentBay's RPC wire: `POST /?Action=…` with a form, answered in an envelope."""

from cove.compat.agentbay.dialect import AgentBay

__all__ = ["AgentBay"]
