"""File work, done in a child with the rights of the sandbox's user.

A child, and not `setfsuid` in a thread: it has the user's rights in every respect (also towards `/proc`), none of the
guest's open descriptors, its memory counts for the session and not for the guest, and it can be killed. Nothing it
says is believed beyond its size; the answer goes back through an anonymous file.
"""

import os
from collections.abc import Callable
from typing import TypeVar

import msgspec

from cove.core.errors import ToolFailed
from cove.core.tool import Failure
from cove.guest.answers import MAX_ANSWER, Answer, answer_of, failure_answer
from cove.guest.cancel import Cancel
from cove.guest.children import Child, Deadline, become, fork, wait
from cove.guest.failures import failed, failed_by
from cove.guest.settings import GuestSettings

S = TypeVar("S", bound=msgspec.Struct)

SECONDS = 100.0
"""Running time a file tool may take: less than a node waits for it."""
_FAILED = b"f"
_DONE = b"d"


def run_as_user(settings: GuestSettings, cancel: Cancel, work: Callable[[], msgspec.Struct]) -> Answer:
    """What `work` returns or why it failed, encoded; runs it in a child unless the settings say otherwise."""
    if not settings.fork_file_tools:
        return answer_of(work)
    reply = os.memfd_create("answer", os.MFD_CLOEXEC)
    try:
        with Child(fork(lambda: _work(settings, reply, work))) as child:
            if not wait(child, cancel, Deadline(SECONDS)):
                raise failed(
                    "CallCancelled" if cancel.is_set else "CallTimedOut", "the call was ended before it was done"
                )
            return _read_answer(reply, child.reap())
    except ToolFailed as failure:
        return failure_answer(failure)
    except OSError as error:  # no process or memory is left for the child
        return failure_answer(failed_by(error, "the sandbox"))
    finally:
        os.close(reply)


def result_as_user(settings: GuestSettings, cancel: Cancel, work: Callable[[], S], kind: type[S]) -> S:
    """The same for a tool that keeps state in the guest: the result itself, checked; raises ToolFailed."""
    answer = run_as_user(settings, cancel, work)
    if answer.is_failure:
        failure = msgspec.json.decode(answer.body, type=Failure)
        raise failed(failure.code, failure.message)
    return msgspec.json.decode(answer.body, type=kind)


def _work(settings: GuestSettings, reply: int, work: Callable[[], msgspec.Struct]) -> int:
    os.setpgid(0, 0)
    become(settings, "wuying")
    os.closerange(3, reply)
    os.closerange(reply + 1, 1 << 20)
    answer = answer_of(work)
    with open(reply, "wb", closefd=False) as file:
        file.write((_FAILED if answer.is_failure else _DONE) + answer.body)
    return 0


def _read_answer(reply: int, exit_code: int) -> Answer:
    size = os.fstat(reply).st_size
    if exit_code == 128 + 9:
        raise failed(
            "OutOfMemory", "the tool was killed: the session's memory is full, or somebody in it killed the tool"
        )
    if exit_code or not 0 < size <= MAX_ANSWER + 1:
        raise failed("GuestFailed", f"the tool ended with code {exit_code} and {size} bytes of answer")
    with open(reply, "rb", closefd=False) as file:
        file.seek(0)
        kind, body = file.read(1), file.read()
    return Answer(body=body, is_failure=kind == _FAILED)
