"""A process that counts, as long as it may: it shows what stands still, and what goes on."""

import signal
import time

from cove.cli.story.outside import Process, find_process
from cove.cli.story.parts import Story, expect, run, wait_until

WATCHED_SECONDS = 2.0
_FILE = "/home/wuying/count"
_COUNTER = """
n=0
while :; do
    n=$((n + 1))
    echo "$n $$" >> %s
    sleep 0.02
done
"""


def stand_still(story: Story) -> str:
    """Paused, the counter stands; resumed, it goes on from its next number with the same process id."""
    counter = _start_counter(story)
    story.session.pause().unwrap()
    stood_at, ticks = _number(counter), counter.cpu_ticks()
    refused = story.session.command.execute_command("true")
    expect(refused.code == "SessionPaused", f"a paused session answers a command with {refused.code or 'a result'}")
    seconds = _watch(counter, stood_at, ticks)
    story.session.resume().unwrap()
    wait_until(lambda: _number(counter) > stood_at, "the counter goes on")
    number = _check_unbroken(story)
    return (
        f"paused at {stood_at}; watched from outside for {seconds:.1f} s: still {stood_at}, no processor time; "
        f"resumed, it went on with {stood_at + 1} and is at {number}, process {counter.inner_pid} all the while"
    )


def _start_counter(story: Story) -> Process:
    story.session.file_system.write_file("/home/wuying/count.sh", _COUNTER % _FILE).unwrap()
    inner = int(run(story.session, "nohup sh count.sh > /dev/null 2>&1 & echo $!"))
    counter = find_process(story.session.session_id, inner, story.stage.data)
    wait_until(lambda: _number(counter) > 5, "the counter counts")
    return counter


def _number(counter: Process) -> int:
    """How far it has counted, as seen from outside."""
    words = counter.last_line(_FILE).split()
    return int(words[0]) if words else 0


def _watch(counter: Process, number: int, ticks: int) -> float:
    """Look for two seconds whether it moves; the time that it stood still."""
    start = time.monotonic()
    while time.monotonic() - start < WATCHED_SECONDS:
        seen = (_number(counter), counter.cpu_ticks())
        expect(
            seen == (number, ticks), f"paused at {number} with {ticks} ticks, it is seen at {seen[0]} with {seen[1]}"
        )
        time.sleep(0.05)
    return time.monotonic() - start


def _check_unbroken(story: Story) -> int:
    """Every number is there once, in order, written by one process; the last of them."""
    lines = story.session.file_system.read_file(_FILE).unwrap().splitlines()
    numbers, writers = zip(*(line.split() for line in lines), strict=True)
    expect([int(number) for number in numbers] == list(range(1, len(lines) + 1)), "numbers are missing, or came twice")
    expect(len(set(writers)) == 1, f"processes {set(writers)} have counted")
    return len(lines)


def outlive(story: Story) -> str:
    """The server dies at once and is started again; session and processes are those of before."""
    session_id = story.session.session_id
    data = story.stage.data
    counter = find_process(session_id, int(run(story.session, f"tail -n 1 {_FILE}").split()[1]), data)
    expect(story.stage.kill() == signal.SIGKILL, "the server did not end by SIGKILL")
    _see_it_count(counter, "without a server")
    story.stage.start()
    story.session = story.stage.session(session_id)
    state = story.session.get_status().unwrap()
    expect(state == "RUNNING", f"the session is {state} after the restart")
    found = find_process(session_id, counter.inner_pid, data)
    expect(found == counter, f"process {counter.inner_pid} is another one now")
    _see_it_count(counter, "under the new server")
    return (
        f"without a server it counted on; the next one finds {session_id} {state}; "
        f"process {counter.inner_pid} is at {_check_unbroken(story)}"
    )


def _see_it_count(counter: Process, when: str) -> None:
    number = _number(counter)
    wait_until(lambda: _number(counter) > number, f"the counter counts {when}")
