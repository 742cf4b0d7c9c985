"""What a session is, and the only place that says which state may follow which.

Rule: everything that changes a session's state goes through `next_state`. The server makes each move a
compare-and-set on (state, version), durable before it is answered.
"""

from enum import StrEnum
from typing import Any

import msgspec

from cove.core.errors import SessionPaused, WrongState
from cove.core.ids import ImageId, SessionId, TenantId
from cove.core.limits import Limits
from cove.core.network import NetworkPolicy


class State(StrEnum):
    """The states of a session; FINISH and FAILED are final."""

    CREATING = "CREATING"
    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    RESUMING = "RESUMING"
    DELETING = "DELETING"
    FINISH = "FINISH"
    FAILED = "FAILED"


class Move(StrEnum):
    """What can happen to a session: what somebody asks for, and what the node reports."""

    CREATED = "created"
    PAUSE = "pause"
    PAUSED = "paused"
    RESUME = "resume"
    RESUMED = "resumed"
    DELETE = "delete"
    DELETED = "deleted"
    FAIL = "fail"  # creation did not succeed, and nothing is left of it


class OnIdle(StrEnum):
    """What happens to a session that lies unused."""

    PAUSE = "pause"
    RELEASE = "release"


class EndReason(StrEnum):
    """Why a session is no more."""

    DELETED = "deleted"
    IDLE = "idle"
    LIFETIME = "lifetime"
    OOM = "oom"
    REBOOT = "reboot"
    LOST = "lost"
    FAILED = "failed"


_LIVE = (State.CREATING, State.RUNNING, State.PAUSING, State.PAUSED, State.RESUMING)

MOVES: dict[tuple[State, Move], State] = {
    (State.CREATING, Move.CREATED): State.RUNNING,
    (State.CREATING, Move.FAIL): State.FAILED,
    (State.RUNNING, Move.PAUSE): State.PAUSING,
    (State.PAUSING, Move.PAUSED): State.PAUSED,
    (State.PAUSING, Move.RESUMED): State.RUNNING,  # the freeze did not take: back to where it was
    (State.PAUSED, Move.RESUME): State.RESUMING,
    (State.RESUMING, Move.RESUMED): State.RUNNING,
    (State.RESUMING, Move.PAUSED): State.PAUSED,  # the thaw did not take
    **{(state, Move.DELETE): State.DELETING for state in _LIVE},
    (State.DELETING, Move.DELETED): State.FINISH,
}

TRANSIENT = frozenset({State.CREATING, State.PAUSING, State.RESUMING, State.DELETING})
ENDED = frozenset({State.FINISH, State.FAILED})


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the store. Times are UTC epoch seconds; `sandbox` holds the driver's own facts.

    `idle_paused`: it was paused for lying unused, so that the next call or link resumes it by itself.
    `network`: None is what this Cove gives by default. `link_generation`: links of an earlier one are void.
    `image_fingerprint` tells which content of its image it was made from; empty until it runs.
    """

    id: SessionId
    tenant: TenantId
    image_id: ImageId
    state: State
    version: int
    labels: dict[str, str]
    limits: Limits
    idle_timeout: float
    max_lifetime: float
    created_at: float
    slot: int
    sandbox: dict[str, Any] = {}
    end_reason: EndReason | None = None
    ended_at: float | None = None
    create_key: str | None = None
    idle_paused: bool = False
    on_idle: OnIdle = OnIdle.PAUSE
    network: NetworkPolicy | None = None
    link_generation: int = 0
    image_fingerprint: str = ""


def next_state(session: Session, move: Move) -> State:
    """The state that `move` leads to; raises WrongState (SessionPaused where resuming would help)."""
    target = MOVES.get((session.state, move))
    if target is None:
        raise refusal(session, move.value)
    return target


def refusal(session: Session, wanted: str) -> WrongState:
    """The error for something that the session's state does not allow."""
    kind = SessionPaused if session.state in (State.PAUSED, State.PAUSING) and wanted != Move.PAUSE else WrongState
    return kind(session_id=session.id, state=session.state.value, move=wanted)
