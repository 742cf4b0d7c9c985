"""The scenes of the demo, in order: each acts through the SDK, looks whether it is so, and says what it saw."""

import os
import time
from collections.abc import Callable

from cove import CreateSessionParams
from cove.cli.screen import size
from cove.cli.story.counting import outlive, stand_still
from cove.cli.story.outside import processes_of, traces
from cove.cli.story.packages import install_debian, install_python, reach_nothing_else
from cove.cli.story.parts import Story, expect, run

LABELS = {"made-by": "cove demo", "mood": "curious"}
IMAGE = "linux_latest"
_SETTLING_SECONDS = 20.0
"""The kernel gives a loop device back, and a control group, a moment after their last user has gone."""


def start_server(story: Story) -> str:
    """The server comes up, and says where."""
    started = story.stage.start()
    isolation = story.stage.bay.server.capabilities().isolation
    return f"process {started.pid} at {started.url}; {isolation.driver}: {isolation.kernel_boundary}"


def make_session(story: Story) -> str:
    """A session runs."""
    wanted = CreateSessionParams(image_id=IMAGE, labels={"made-by": "cove demo"}, idle_release_timeout=600)
    story.session = story.stage.bay.create(wanted).unwrap()
    state = story.session.get_status().unwrap()
    expect(state == "RUNNING", f"the new session is {state}")
    return f"{story.session.session_id} is {state}"


def run_commands(story: Story) -> str:
    """Commands print, end with their codes, and run as somebody who is nobody outside."""
    name = run(story.session, "whoami")
    uid = int(run(story.session, "id -u", user="root"))
    expect((name, uid) == ("wuying", 0), f"commands run as {name}, and user='root' as {uid}")
    failed = story.session.command.execute_command("echo to-stderr >&2; exit 7")
    expect((failed.exit_code, failed.stderr) == (7, "to-stderr\n"), f"exit 7 came back as {failed}")
    home = os.path.expanduser("~")
    seen = story.session.command.execute_command(f"ls -A {home}/.ssh {story.stage.data} 2>/dev/null", user="root")
    expect(seen.stdout == "", f"a session sees {seen.stdout!r} of this machine")
    return f"`whoami` says {name}; `exit 7` gives exit code 7; {run(story.session, 'uname -sr')}"


def use_files(story: Story) -> str:
    """What is written is read again, by the file tools and by commands alike."""
    files, home = story.session.file_system, "/home/wuying"
    files.create_directory(f"{home}/notes").unwrap()
    files.write_file(f"{home}/notes/plan.txt", "one session, whole height\n").unwrap()
    files.edit_file(f"{home}/notes/plan.txt", [{"oldText": "whole", "newText": "full"}]).unwrap()
    expect(run(story.session, "cat notes/plan.txt") == "one session, full height", "a command reads something else")
    every_byte = bytes(range(256)) * 16
    files.write_file(f"{home}/notes/bytes", every_byte).unwrap()
    expect(files.read_file(f"{home}/notes/bytes", format="bytes").unwrap() == every_byte, "bytes came back changed")
    names = [entry.name for entry in files.list_directory(f"{home}/notes").unwrap()]
    expect(sorted(names) == ["bytes", "plan.txt"], f"the directory holds {names}")
    return f"wrote, edited, read and listed {', '.join(sorted(names))}"


def use_labels(story: Story) -> str:
    """Labels stay, and find the session again."""
    story.session.set_labels(LABELS)
    kept = story.session.get_labels().data
    expect(kept == LABELS, f"the labels are {kept}")
    found = [entry["sessionId"] for entry in story.stage.bay.list(labels={"mood": "curious"}).unwrap()]
    expect(found == [story.session.session_id], f"the label finds {found}")
    return "; ".join(f"{name} = {value}" for name, value in kept.items())


def use_tools(story: Story) -> str:
    """The tools are listed, and one is called by its name."""
    tools = [tool.name for tool in story.session.list_mcp_tools().unwrap()]
    text = story.session.call_mcp_tool("shell", {"command": "echo called by name"}).unwrap()
    expect("called by name" in text, f"the shell tool answers {text!r}")
    return f"{len(tools)} MCP tools: {', '.join(tools)}"


def read_metrics(story: Story) -> str:
    """The session's use of the machine, as its control groups have it."""
    metrics = story.session.get_metrics().unwrap()
    expect(0 < metrics.mem_used <= metrics.mem_total, f"{metrics.mem_used} bytes of {metrics.mem_total} in use")
    expect(0 < metrics.disk_used <= metrics.disk_total, f"{metrics.disk_used} of {metrics.disk_total} bytes stored")
    return (
        f"memory {size(metrics.mem_used)} of {size(metrics.mem_total)}; "
        f"disk {size(metrics.disk_used)} of {size(metrics.disk_total)}; "
        f"cpu {metrics.cpu_used_pct:.1f} % of {metrics.cpu_count:g}"
    )


def delete_session(story: Story) -> str:
    """The session ends, with every process it had."""
    session_id = story.session.session_id
    before = len(processes_of(session_id, story.stage.data))
    story.session.delete().unwrap()
    left = processes_of(session_id, story.stage.data)
    expect(not left, f"processes of it live: {left}")
    again = story.stage.bay.get(session_id)
    expect(again.code == "SessionNotFound", f"the server says {again.code or 'that it is there'}")
    return f"{before} processes ended; the server answers {again.code}"


def leave_nothing(story: Story) -> str:
    """The server ends; no process, control group, mount, loop device or socket of it is left."""
    stage = story.stage
    instance = (stage.data / "instance").read_text().strip()
    code = stage.stop()
    expect(code == 0, f"the server ended with exit code {code}")
    patience = time.monotonic() + _SETTLING_SECONDS
    while (left := traces(stage.data, instance)) and time.monotonic() < patience:
        time.sleep(0.05)
    expect(not left, f"left behind: {', '.join(left)}")
    stage.clear()
    expect(not stage.data.exists(), f"{stage.data} is still there")
    return "no process, control group, mount, loop device, socket or file"


SCENES: tuple[tuple[str, Callable[[Story], str]], ...] = (
    ("cove up", start_server),
    ("a session", make_session),
    ("shell commands", run_commands),
    ("files", use_files),
    ("labels", use_labels),
    ("tools", use_tools),
    ("metrics", read_metrics),
    ("apt-get install", install_debian),
    ("pip install", install_python),
    ("nothing else is reached", reach_nothing_else),
    ("pause and resume", stand_still),
    ("kill -9 of the server", outlive),
    ("delete", delete_session),
    ("nothing is left behind", leave_nothing),
)
"""Every scene with its title; each counts on those before it."""
