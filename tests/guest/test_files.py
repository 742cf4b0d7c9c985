"""Files: reading, writing, editing, listing, searching, moving and deleting, with the rights of the user."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cove.guest import Guest
from cove.guest.contents import MOST_BYTES

from .doors import IS_ROOT, done, failure_of

PATH_TOOLS = ["read_file", "create_directory", "get_file_info", "list_directory", "delete_file", "get_file_change"]


def test_written_text_is_read_back(guest: Guest, users_home: Path) -> None:
    written = done(guest, "write_file", path="a/b/ü.txt", content="ä\n")
    assert written == {"path": f"{users_home}/a/b/ü.txt", "bytes_written": 3}
    done(guest, "write_file", path="a/b/ü.txt", content="more", mode="append")
    content = done(guest, "read_file", path=f"{users_home}/a/b/ü.txt")
    assert content == {"content": "ä\nmore", "encoding": "utf-8", "size": 7, "truncated": False}


def test_overwriting_keeps_mode_and_links_and_leaves_no_old_tail(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command="printf 0123456789 > f; chmod 755 f; ln f g; ln -s f h")
    done(guest, "write_file", path="h", content="new")
    assert (users_home / "g").read_text() == "new"
    assert stat.S_IMODE((users_home / "g").stat().st_mode) == 0o755


def test_binary_content_goes_both_ways(guest: Guest) -> None:
    content = base64.b64encode(bytes(range(256))).decode()
    assert done(guest, "write_file", path="b", content=content, format="binary")["bytes_written"] == 256
    assert done(guest, "read_file", path="b", format="binary")["content"] == content
    assert done(guest, "read_file", path="b", format="binary", offset=1, length=2)["content"] == "AQI="
    assert failure_of(guest, "write_file", path="b", content="no base64!", format="binary") == "NotBase64"
    assert failure_of(guest, "read_file", path="b") == "NotText"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
def test_text_read_in_stretches_gives_the_whole(guest: Guest, size: int) -> None:
    text = "aé€😀b" * 3
    done(guest, "write_file", path="t", content=text)
    total = len(text.encode())
    parts = [
        done(guest, "read_file", path="t", offset=offset, length=size)["content"] for offset in range(0, total, size)
    ]
    assert "".join(parts) == text


def test_reading_past_the_end_gives_nothing(guest: Guest) -> None:
    done(guest, "write_file", path="t", content="abc")
    assert done(guest, "read_file", path="t", offset=3) == {
        "content": "", "encoding": "utf-8", "size": 3, "truncated": False,
    }  # fmt: skip
    assert done(guest, "read_file", path="t", offset=1 << 61, length=1 << 61)["content"] == ""


def test_a_file_over_the_bound_is_cut_and_says_so(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command=f"truncate -s {MOST_BYTES + 5} big")
    content = done(guest, "read_file", path="big", format="binary")
    assert (content["truncated"], content["size"]) == (True, MOST_BYTES + 5)
    assert len(base64.b64decode(content["content"])) == MOST_BYTES
    assert failure_of(guest, "edit_file", path="big", edits=[{"oldText": "a", "newText": "b"}]) in {"TooLarge"}
    assert failure_of(guest, "read_file", path="big") == "TooLarge"  # NULs, six characters each as JSON


def test_files_of_proc_are_read_though_they_claim_no_size(guest: Guest) -> None:
    content = done(guest, "read_file", path="/proc/self/status")
    assert "Pid:" in content["content"]
    assert content["size"] == len(content["content"].encode())


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 5000, "/" + "é" * 2500, "/tmp/" + "y" * 300])
@pytest.mark.parametrize("tool", PATH_TOOLS)
def test_paths_that_cannot_be_are_refused(guest: Guest, tool: str, path: str) -> None:
    assert failure_of(guest, tool, path=path) == "InvalidPath"


@pytest.mark.parametrize("tool", [tool for tool in PATH_TOOLS if tool != "create_directory"])
def test_what_does_not_exist_is_said_so(guest: Guest, tool: str) -> None:
    assert failure_of(guest, tool, path="missing") == "NoSuchFile"


def test_only_regular_files_are_read_and_written(guest: Guest) -> None:
    done(guest, "shell", command="mkdir d; mkfifo p")
    for path in ("d", "p", "/dev/zero"):
        assert failure_of(guest, "read_file", path=path) == "NotAFile"
    for path in ("d", "p"):
        assert failure_of(guest, "write_file", path=path, content="x") == "NotAFile"
    assert failure_of(guest, "list_directory", path="/etc/passwd") == "NotADirectory"
    assert failure_of(guest, "create_directory", path="/etc/passwd") == "AlreadyExists"


def test_edits_replace_the_first_match_each_or_nothing_at_all(guest: Guest, users_home: Path) -> None:
    done(guest, "write_file", path="e", content="one one\ntwo\n")
    edits = [{"oldText": "one", "newText": "1"}, {"oldText": "two", "newText": "2"}]
    planned = done(guest, "edit_file", path="e", edits=edits, dryRun=True)
    assert (users_home / "e").read_text() == "one one\ntwo\n"
    made = done(guest, "edit_file", path="e", edits=edits)
    assert made["diff"] == planned["diff"]
    assert "-one one\n+1 one\n" in "\n".join(sorted(made["diff"].split("\n"))) or "+1 one" in made["diff"]
    assert (users_home / "e").read_text() == "1 one\n2\n"
    edits = [{"oldText": "1", "newText": "x"}, {"oldText": "three", "newText": "y"}]
    assert failure_of(guest, "edit_file", path="e", edits=edits) == "EditNotFound"
    assert (users_home / "e").read_text() == "1 one\n2\n"


def test_information_is_what_stat_knows(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command="printf abc > f; chmod 640 f; ln -s f l; ln -s gone broken")
    info = done(guest, "get_file_info", path="f")
    assert (info["name"], info["size"], info["permissions"], info["is_file"], info["is_symlink"]) == (
        "f", 3, "640", True, False,
    )  # fmt: skip
    link = done(guest, "get_file_info", path="l")
    assert (link["size"], link["is_file"], link["is_symlink"]) == (3, True, True)
    broken = done(guest, "get_file_info", path="broken")
    assert (broken["is_file"], broken["is_directory"], broken["is_symlink"]) == (False, False, True)
    assert done(guest, "get_file_info", path="/")["name"] == "/"


def test_listing_is_sorted_and_shows_names_that_are_not_text(guest: Guest) -> None:
    done(guest, "shell", command=r"mkdir d d/z; printf abc > d/b; touch d/$'\377'; ln -s nowhere d/c")
    entries = done(guest, "list_directory", path="d")["entries"]
    assert [(entry["name"], entry["is_directory"], entry["size"]) for entry in entries] == [
        (r"\xff", False, 0), ("b", False, 3), ("c", False, 0), ("z", True, 0),
    ]  # fmt: skip


def test_search_is_recursive_by_name_and_leaves_out_what_it_is_told_to(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command="mkdir -p s/a/node_modules s/b; touch s/x1.py s/a/x2.py s/a/node_modules/x3.py s/b/y")
    done(guest, "shell", command="ln -s .. s/b/loop")

    def found(pattern: str, exclude: str | list[str] = "") -> list[str]:
        matches = done(guest, "search_files", path="s", pattern=pattern, excludePatterns=exclude)["matches"]
        return [match.removeprefix(f"{users_home}/s/") for match in matches]

    assert found("x*.py") == ["a/node_modules/x3.py", "a/x2.py", "x1.py"]
    for excluded in ("node_modules, x1*", ["node_modules", "x1*"]):
        assert found("*.py", excluded) == ["a/x2.py"]
    assert found("2.p") == ["a/x2.py"]
    assert found("a/*.py") == ["a/node_modules/x3.py", "a/x2.py"]
    assert found("nothing") == []
    assert found("[") == []
    assert found("**/*.py") == ["a/node_modules/x3.py", "a/x2.py", "x1.py"]
    assert found("a/**/*.py") == ["a/node_modules/x3.py", "a/x2.py"]
    assert found("**/a/x*", "**/node_modules") == ["a/x2.py"]
    assert found("**/**/**/**/**/x1.py") == ["x1.py"]


def test_several_files_are_read_though_one_is_missing(guest: Guest) -> None:
    done(guest, "write_file", path="one", content="1")
    files = done(guest, "read_multiple_files", paths=["one", "missing", "bad\0"])["files"]
    assert [(file["path"], file["content"], bool(file["error"])) for file in files] == [
        ("one", "1", False), ("missing", "", True), ("bad\0", "", True),
    ]  # fmt: skip


def test_moving_never_replaces(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command="echo a > a; echo b > b; mkdir d; touch d/in")
    assert failure_of(guest, "move_file", source="a", destination="b") == "AlreadyExists"
    assert failure_of(guest, "move_file", source="gone", destination="c") == "NoSuchFile"
    assert failure_of(guest, "move_file", source="a", destination="no/dir/a") == "NoSuchFile"
    assert done(guest, "move_file", source="d", destination="e")["path"] == f"{users_home}/e"
    assert (users_home / "e/in").exists()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="a second file system is needed")
def test_moving_across_file_systems_copies_the_whole_tree(guest: Guest, users_home: Path) -> None:
    there = f"/dev/shm/{users_home.name}"
    done(guest, "shell", command="mkdir -p d/sub; echo a > d/sub/a; ln -s sub d/link; chmod 700 d/sub/a")
    try:
        done(guest, "move_file", source="d", destination=there)
        assert os.readlink(f"{there}/link") == "sub"
        assert Path(f"{there}/sub/a").read_text() == "a\n"
        assert not (users_home / "d").exists()
    finally:
        subprocess.run(["rm", "-rf", there], check=True)


def test_changes_are_told_once_and_a_new_file_is_create_and_modify(guest: Guest) -> None:
    def changes() -> list[tuple[str, str, str]]:
        events = done(guest, "get_file_change", path="w")["events"]
        return [(event["event_type"], event["path"].rpartition("/w/")[2], event["path_type"]) for event in events]

    done(guest, "shell", command="mkdir w; echo a > w/old; echo a > w/gone")
    assert changes() == []
    done(guest, "shell", command="echo bb > w/old; rm w/gone; echo n > w/new; mkdir w/dir")
    assert changes() == [
        ("create", "dir", "directory"),
        ("delete", "gone", "file"),
        ("create", "new", "file"),
        ("modify", "new", "file"),
        ("modify", "old", "file"),
    ]
    assert changes() == []
    done(guest, "shell", command="rm -r w")
    assert [kind for kind, _, _ in changes()] == ["delete", "delete", "delete"]


def test_trees_too_deep_for_any_path_are_deleted(guest: Guest, users_home: Path) -> None:
    script = """
import os
for number in range(1500):
    os.mkdir("d" * 50)
    os.chdir("d" * 50)
open("leaf", "w").close()
"""
    done(guest, "shell", command=f"mkdir deep; cd deep; {sys.executable} -I -S -c '{script}'")
    assert done(guest, "search_files", path="deep", pattern="leaf")["matches"] == []
    done(guest, "delete_file", path="deep")
    assert not (users_home / "deep").exists()


def test_what_its_owner_has_closed_is_deleted_all_the_same(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command="mkdir -p c/d/e; touch c/d/e/f; chmod 000 c/d/e/f c/d/e c/d c")
    done(guest, "delete_file", path="c/")
    assert not (users_home / "c").exists()


def test_a_link_is_deleted_and_not_what_it_leads_to(guest: Guest, users_home: Path) -> None:
    done(guest, "shell", command="mkdir real; touch real/f; ln -s real link; mkdir t; ln -s ../real t/link")
    done(guest, "delete_file", path="link")
    done(guest, "delete_file", path="t")
    assert (users_home / "real/f").exists()


def test_a_full_disk_leaves_the_old_content(guest: Guest, users_home: Path) -> None:
    if not Path("/dev/full").exists() or not IS_ROOT:
        pytest.skip("a small file system needs root")
    disk = users_home / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "none", str(disk)], check=True)
    try:
        done(guest, "write_file", path="disk/f", content="old")
        assert failure_of(guest, "write_file", path="disk/f", content="x" * 200_000) == "NoSpace"
        assert failure_of(guest, "write_file", path="disk/f", content="x" * 200_000, mode="append") == "NoSpace"
        assert failure_of(guest, "write_file", path="disk/g", content="x" * 200_000) == "NoSpace"
        assert [path.name for path in disk.iterdir()] == ["f"]
        assert (disk / "f").read_text() == "old"
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.skipif(not IS_ROOT, reason="switching users needs root")
@pytest.mark.parametrize("guest", ["forked"], indirect=True)
class TestRights:
    """The guest is root, its file tools are not."""

    def test_roots_files_are_not_for_the_user(self, guest: Guest, users_home: Path) -> None:
        done(guest, "shell", command="ln -s /etc/shadow s; ln -s /root r")
        assert failure_of(guest, "read_file", path="s") == "AccessDenied"
        assert failure_of(guest, "write_file", path="s", content="x") == "AccessDenied"
        assert failure_of(guest, "list_directory", path="r") == "AccessDenied"
        assert failure_of(guest, "write_file", path="/etc/cove-test", content="x") == "AccessDenied"
        assert failure_of(guest, "delete_file", path="/etc/passwd") == "AccessDenied"

    def test_files_belong_to_the_user(self, guest: Guest, users_home: Path) -> None:
        done(guest, "write_file", path="f", content="x")
        info = (users_home / "f").stat()
        assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (1000, 1000, 0o644)

    def test_the_guests_own_process_is_not_open_to_file_tools(self, guest: Guest) -> None:
        for path in ("/proc/self/environ", f"/proc/{os.getpid()}/environ", "/proc/self/fd/3"):
            assert failure_of(guest, "read_file", path=path) in {"AccessDenied", "NoSuchFile"}


@pytest.mark.parametrize("path", ["/", "d/..", "d/.", "d/../"])
def test_nothing_is_deleted_through_a_dot(guest: Guest, users_home: Path, path: str) -> None:
    done(guest, "shell", command="mkdir d; touch d/f")
    assert failure_of(guest, "delete_file", path=path) == "InvalidPath"
    assert (users_home / "d/f").exists()
