"""What a tool gave, as JSON bytes: encoded once, kept by call id, and put into frames as they are."""

import sys
from collections.abc import Callable

import msgspec

from cove.core.errors import ToolFailed
from cove.core.frames import MAX_FRAME
from cove.core.tool import Failure, Outcome
from cove.guest.failures import failed, failed_by
from cove.guest.places import readable

MAX_ANSWER = MAX_FRAME - 4096
"""Bytes of JSON that fit into a frame beside its envelope."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a result of `core.results`, or of a `core.tool.Failure`."""

    body: bytes
    is_failure: bool = False

    def outcome(self) -> Outcome:
        """The same, decoded."""
        if self.is_failure:
            return Outcome(failure=msgspec.json.decode(self.body, type=Failure))
        return Outcome(structured=msgspec.json.decode(self.body))


def answer_of(work: Callable[[], msgspec.Struct]) -> Answer:
    """Run `work` and encode what it returns, or how it failed."""
    try:
        body = msgspec.json.encode(work())
        if len(body) > MAX_ANSWER:
            raise failed(
                "TooLarge", f"the result has {len(body)} bytes as JSON, over {MAX_ANSWER}: ask for less at once"
            )
        return Answer(body=body)
    except ToolFailed as failure:
        return failure_answer(failure)
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else "the sandbox"
        return failure_answer(failed_by(error, readable(name)))
    except MemoryError:
        return failure_answer(failed("OutOfMemory", "the session has not enough memory for this"))
    except Exception:  # noqa: BLE001 - see below
        # The guest's one broad edge: a defect in a tool is told to its caller and must not end the guest.
        sys.excepthook(*sys.exc_info())  # not by `logging`, which would cost the start of every guest 5 ms
        return failure_answer(failed("GuestFailed", "the tool failed within; this is a defect of Cove's guest"))


def failure_answer(failure: ToolFailed) -> Answer:
    """A failure as it goes out."""
    code = failure.facts.get("failure", "ToolFailed")
    return Answer(body=msgspec.json.encode(Failure(code=code, message=str(failure))), is_failure=True)
