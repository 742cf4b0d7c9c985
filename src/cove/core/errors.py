"""Every failure Cove knows, as one tree; what HTTP status or exit code a failure deserves is decided elsewhere.

CoveError
├── InvalidInput
│   ├── InvalidLabels
│   ├── InvalidLimit
│   ├── InvalidNetwork
│   ├── InvalidPort
│   ├── InvalidToolArguments
│   └── InvalidSetting
├── NotFound
│   ├── SessionNotFound
│   ├── ImageNotFound
│   ├── ToolNotFound
│   ├── CallNotFound
│   ├── TerminalNotFound
│   ├── KeyNotFound
│   └── LinkNotFound
├── Refused
│   ├── WrongState
│   │   └── SessionPaused
│   ├── KeyInvalid
│   ├── OperatorOnly
│   ├── TerminalRefused
│   ├── CreateKeyReused
│   ├── LinkRefused
│   ├── LinkExpired
│   ├── LinkRevoked
│   ├── DataInUse
│   ├── DataTooNew
│   └── NotSupported
├── Exhausted
│   ├── MachineFull
│   │   ├── TooManySessions
│   │   ├── MemoryReserved
│   │   ├── DiskReserved
│   │   └── DiskFull
│   ├── QuotaExceeded
│   ├── TooManyConnections
│   ├── TooManyRequests
│   └── TooManyLinks
├── SandboxFailed
│   ├── SandboxNotCreated
│   ├── SandboxGone
│   ├── TerminalGone
│   ├── NothingListening
│   ├── GuestMisbehaved
│   └── GuestSilent
├── TransportFailed
│   ├── ServerUnreachable
│   │   └── LocalCoveFailed
│   ├── ServerNotTrusted
│   ├── ConnectionLost
│   ├── AnswerTimedOut
│   └── AnswerMalformed
├── RequestTooSlow
├── ToolFailed
├── SessionError
└── InternalError

An error's keyword arguments are its facts; `str()` is the sentence made from them; `code` is its name on the wire;
`retryable` says whether the same request may succeed later.

>>> str(SessionNotFound(session_id="s-1"))
"no session 's-1'; `cove session list` shows those that exist"
>>> SessionNotFound(session_id="s-1").code
'SessionNotFound'
"""

from typing import Any, ClassVar

_LONGEST_VALUE = 200
"""Characters of what somebody sent, in a sentence whose end is the remedy; the facts have all of it."""
_OURS = frozenset({"reason", "remedy", "known"})


class CoveError(Exception):
    """The root of the tree. Catch it to catch whatever Cove raises on purpose."""

    sentence: ClassVar[str] = "{reason}"
    retryable: ClassVar[bool] = False

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.sentence.format_map({name: _short(name, value) for name, value in facts.items()}))

    @property
    def code(self) -> str:
        """The name of this failure on the wire: the class's own."""
        return type(self).__name__

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.facts)


class _Cut(str):
    """Text that is quoted already."""

    __slots__ = ()
    __repr__ = str.__str__


def _short(name: str, value: Any) -> Any:
    if name in _OURS or isinstance(value, int | float | None):
        return value
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "…"
    shown = repr(value)
    return value if len(shown) <= _LONGEST_VALUE else _Cut(shown[:_LONGEST_VALUE] + "…")


def _rebuild(cls: type[CoveError], facts: dict[str, Any]) -> CoveError:
    return cls(**facts)


class InvalidInput(CoveError):
    """An argument has the wrong type, form or range."""

    sentence = "{name} = {value!r} is not valid: {remedy}"


class InvalidLabels(InvalidInput):
    """Labels are a non-empty map of non-empty text to non-empty text."""

    sentence = "labels = {value!r} are not valid: {remedy}"


class InvalidLimit(InvalidInput):
    """A limit is out of its published range."""


class InvalidNetwork(InvalidInput):
    """A network policy, or an entry of one, is not well written."""

    sentence = "network: {value!r} is not valid: {remedy}"


class InvalidPort(InvalidInput):
    """No link may lead to this port. The sentence is AgentBay's, word for word: scripts look for it."""

    sentence = "Invalid port value: {value}. Port must be an integer in the range [30100, 30199]."


class InvalidToolArguments(InvalidInput):
    """The arguments do not fit the tool's input schema."""

    sentence = "tool {tool!r} refuses its arguments: {reason}; `list_mcp_tools()` gives its input schema"


class InvalidSetting(InvalidInput):
    """A setting of the server cannot be used."""


class NotFound(CoveError):
    """What was named does not exist, or not for this tenant."""


class SessionNotFound(NotFound):
    """No such session, or it has ended, or it belongs to another tenant."""

    sentence = "no session {session_id!r}; `cove session list` shows those that exist"


class ImageNotFound(NotFound):
    """No image, and no alias of one, has this name."""

    sentence = "no image {image_id!r}; this Cove serves {known}"


class ToolNotFound(NotFound):
    """The session's image offers no such tool."""

    sentence = "no tool {tool!r} in image {image_id!r}; `list_mcp_tools()` lists those it has"


class CallNotFound(NotFound):
    """No call in flight has this id."""

    sentence = "no call {call_id!r} is running in session {session_id!r}"


class TerminalNotFound(NotFound):
    """No terminal of the session has this id, or it has ended."""

    sentence = "no terminal {terminal_id!r} in session {session_id!r}; `cove session shell {session_id}` opens one"


class KeyNotFound(NotFound):
    """No API key has this id."""

    sentence = "no key {key_id!r}; `cove key list` shows those that exist"


class LinkNotFound(NotFound):
    """The session has no link of this id."""

    sentence = "no link {link_id!r} of session {session_id!r}; `cove session links {session_id}` lists those it has"


class Refused(CoveError):
    """The request is well formed, and the answer is no."""


class WrongState(Refused):
    """The session's state does not allow this move."""

    sentence = "session {session_id!r} is {state}: it cannot {move} now"


class SessionPaused(WrongState):
    """The session is paused; resume it and call again."""

    sentence = "session {session_id!r} is {state}: call resume() first, then {move} again"
    retryable = True


class KeyInvalid(Refused):
    """The API key is missing, unknown, revoked or expired."""

    sentence = "the API key is {problem}; set COVE_API_KEY to one that `cove key create` printed"


class TerminalRefused(Refused):
    """The session could not open a terminal as it was asked for."""

    sentence = "session {session_id!r} opens no such terminal: {reason}"


class OperatorOnly(Refused):
    """Only an operator's key may do this."""

    sentence = "{action} needs an operator's key; this one belongs to tenant {tenant!r}"


class CreateKeyReused(Refused):
    """The idempotency key has made a session with other parameters."""

    sentence = "the idempotency key {key!r} made session {session_id!r} with another {field}; use a new key"


class LinkRefused(Refused):
    """The address carries no token of a link of this Cove, or not of this place."""

    sentence = "this is no link of this Cove: {problem}; ask for one with get_link() or `cove session link`"


class LinkExpired(Refused):
    """The link's time is over."""

    sentence = "the link to session {session_id!r} has expired; ask for a new one with get_link()"


class LinkRevoked(Refused):
    """The link was taken back."""

    sentence = "the link to session {session_id!r} was revoked; ask for a new one with get_link()"


class DataInUse(Refused):
    """Another server holds the data directory; one serves it at a time."""

    sentence = "process {pid} already serves {data}; `cove status` shows it, `cove stop` ends it"


class DataTooNew(Refused):
    """A later version of Cove has written in the data directory; this one would not understand it."""

    sentence = (
        "{file} was written by a later version of Cove (schema {found}, this one knows {known}); "
        "install that version again, or choose another directory with --data"
    )


class NotSupported(Refused):
    """This Cove, on this machine, cannot do what was asked."""

    sentence = "{what} is not supported here: {reason}"


class Exhausted(CoveError):
    """The machine or the tenant has no room for more."""

    retryable = True
    retry_after: ClassVar[float] = 5.0
    """Seconds after which asking again is worth while, where `retryable`; the `Retry-After` of the answer."""


class MachineFull(Exhausted):
    """The machine has no room for another session now."""

    sentence = "this machine is full: {reason}; end a session with `cove session delete ID`, or try again later"


class TooManySessions(MachineFull):
    """The node's id ranges are all taken."""

    sentence = "all {limit} places for sessions are taken; delete one with `cove session delete ID`"


class TooManyLinks(Exhausted):
    """The session has as many links as it may have."""

    sentence = "session {session_id!r} has {limit} links; `cove session unlink {session_id} --all` revokes them"
    retryable = False


class MemoryReserved(MachineFull):
    """The machine's memory is down to the reserve kept for what runs already."""

    sentence = (
        "only {free_bytes} bytes of this machine's memory are free, and {reserve_bytes} are kept back; "
        "end a session with `cove session delete ID` (a pause frees no memory)"
    )


class DiskReserved(MachineFull):
    """The data directory's file system is down to the reserve kept for the database."""

    sentence = (
        "only {free_bytes} bytes are free on the data directory's file system; free some, {reserve_bytes} are kept back"
    )


class DiskFull(MachineFull):
    """Not even the database could be written; nothing was changed."""

    sentence = "the file system of {file} is full: nothing was changed; free some space and try again"


class TooManyRequests(Exhausted):
    """The server answers as many requests as it has room for."""

    sentence = "{limit} requests are being answered already; ask again in a second"
    retry_after = 1.0


class TooManyConnections(Exhausted):
    """The server has as many connections as it has room for."""

    sentence = "{limit} connections are open already; close those that are not used, or try again in a second"
    retry_after = 1.0


class QuotaExceeded(Exhausted):
    """The tenant uses as much as its quota gives."""

    sentence = (
        "tenant {tenant!r} uses {used} of its {limit} {what}, and wants {wanted} more: end a session with "
        "`cove session delete ID`, ask for less, or let an operator raise it: `cove quota set {tenant} {what}=AMOUNT`"
    )


class SandboxFailed(CoveError):
    """Something under a session failed; the server is well."""


class SandboxNotCreated(SandboxFailed):
    """The sandbox could not be made; nothing of it is left."""

    sentence = "the sandbox could not be made at step {step!r}: {reason}; `cove doctor` tells what this host lacks"


class SandboxGone(SandboxFailed):
    """The sandbox's processes have ended."""

    sentence = "the sandbox of session {session_id!r} has ended ({end_reason}); create a new session"


class NothingListening(SandboxFailed):
    """No server in the session takes connections on this port."""

    sentence = "nothing listens on port {port} in session {session_id!r}; start a server there, on 127.0.0.1 or 0.0.0.0"
    retryable = True


class TerminalGone(SandboxFailed):
    """The terminal broke off: whoever held it was killed, and with it the terminal."""

    sentence = "terminal {terminal_id!r} of session {session_id!r} broke off; open another"


class GuestMisbehaved(SandboxFailed):
    """The guest answered with something that is no answer."""

    sentence = "the sandbox of session {session_id!r} gave no valid answer: {reason}; call again, or delete the session"
    retryable = True


class GuestSilent(SandboxFailed):
    """The guest did not answer within its time."""

    sentence = (
        "the sandbox of session {session_id!r} did not answer within {seconds} s; call again, or delete the session"
    )
    retryable = True


class TransportFailed(CoveError):
    """No valid answer came back from the server."""


class ServerUnreachable(TransportFailed):
    """Nothing answers at the endpoint."""

    sentence = "no Cove answers at {endpoint}: {reason}; start one with `cove up`, or set COVE_ENDPOINT"
    retryable = True


class ServerNotTrusted(TransportFailed):
    """Something answers at the endpoint, with a certificate that nobody trusted vouches for, or not for this name."""

    sentence = "the certificate of {endpoint} is not trusted: {reason}; {remedy}"


class LocalCoveFailed(ServerUnreachable):
    """This user's own Cove was not running, and could not be started."""

    sentence = "the local Cove at {endpoint} did not start: {reason}"
    retryable = False


class ConnectionLost(TransportFailed):
    """The connection broke after the request was sent, and trying again did not help."""

    sentence = "{endpoint} dropped the connection before it answered {request}; it may still have acted"
    retryable = True


class AnswerTimedOut(TransportFailed):
    """The server accepted the request and did not answer in time; it may still have acted."""

    sentence = "{endpoint} did not answer {request} within {seconds} s; it may still have acted"
    retryable = True


class AnswerMalformed(TransportFailed):
    """Something answered that is not a Cove server of this version."""

    sentence = "{endpoint} answered {request} with something that is not Cove's: {reason}"


class RequestTooSlow(CoveError):
    """A request did not come to its end; what came of it changed nothing."""

    sentence = "the rest of the request did not come within {seconds} seconds; send it again"
    retryable = True


class ToolFailed(CoveError):
    """A tool ran and reported a failure."""

    sentence = "{message}"


class SessionError(CoveError):
    """The service refused `set_labels`, `get_labels`, `info` or `get_link`, which raise where others return."""

    sentence = "{message}"


class InternalError(CoveError):
    """A defect in Cove: its traceback stands in the server's log under this request id."""

    sentence = "Cove failed within; its log has the traceback under request {request_id}"


def _tree(cls: type[CoveError]) -> dict[str, type[CoveError]]:
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found |= _tree(child)
    return found


def error_from_wire(code: str, facts: dict[str, Any], message: str) -> CoveError:
    """Rebuild an error from its wire name and facts; an unknown or unfitting one becomes a plain `CoveError`.

    >>> type(error_from_wire("SessionNotFound", {"session_id": "s-1"}, "")).__name__
    'SessionNotFound'
    >>> str(error_from_wire("FromTheFuture", {}, "new sentence"))
    'new sentence'
    """
    try:
        return _tree(CoveError)[code](**facts)
    except KeyError:
        return CoveError(reason=message, code=code)
