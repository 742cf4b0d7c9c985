"""Files of a session, by every route: with LinkUrl they come whole, through the API in pieces."""

from typing import Any

from tests.contract.clients import ENOUGH, for_each_route

TELLING = "0.13.1"
"""The first release that knows a tool's refusal, by whatever route it comes."""
ALIASES = "0.15.2"
"""The first release with short names, and with bytes."""


@for_each_route()
def test_file_is_read_as_it_was_written(session: Any, directory: str) -> None:
    path = f"{directory}/name with ü and 世界.txt"
    for content in ("", "one line", "no end\nof line\n\n", "ü 世界 🚀 \x01 \\ \" ' ${x} \r\n\t", "\ufeff"):
        written = session.file_system.write_file(path, content)
        assert written.success, written
        assert session.file_system.read_file(path).content == content


@for_each_route()
def test_large_text_comes_whole(session: Any, directory: str, route: str) -> None:
    many = {"link": 60_000, "api": 15_000, "vpc": 1000}[route]  # a MB; clients have limits where a call is a URL
    text = "".join(f"{n}: ü世🚀\n" for n in range(many))  # pieces end within characters
    written = session.file_system.write_file(f"{directory}/a", text)
    assert written.success, written
    read = session.file_system.read_file(f"{directory}/a")
    assert read.success, read
    assert len(read.content) == len(text)
    assert read.content == text


@for_each_route()
def test_writing_appends_where_that_is_wished(session: Any, directory: str) -> None:
    files = session.file_system
    assert files.write_file(f"{directory}/a", "one\n").success
    assert files.write_file(f"{directory}/a", "two\n", mode="append").success
    assert files.write_file(f"{directory}/a", "x" * 120_000, mode="append").success
    assert files.read_file(f"{directory}/a").content == "one\ntwo\n" + "x" * 120_000
    assert files.write_file(f"{directory}/a", "new").success
    assert files.read_file(f"{directory}/a").content == "new"


@for_each_route(since=TELLING)
def test_unknown_mode_of_writing_is_refused(session: Any, directory: str) -> None:
    written = session.file_system.write_file(f"{directory}/a", "x", mode="sideways")
    assert not written.success
    assert "sideways" in written.error_message, written


@for_each_route(since=ALIASES)
def test_bytes_are_read_as_they_are(session: Any, directory: str) -> None:
    made = session.command.execute_command(
        f"for n in $(seq 300); do printf '\\0\\377\\200a\\n%0300d' $n; done > {directory}/a"
    )
    assert made.success, made
    wanted = b"".join(b"\0\xff\x80a\n%0300d" % n for n in range(1, 301))
    read = session.file_system.read_file(f"{directory}/a", format="bytes")
    assert read.success, read
    assert read.content == wanted


@for_each_route(since=TELLING)
def test_bytes_are_not_read_as_text(session: Any, directory: str) -> None:
    assert session.command.execute_command(f"printf 'a\\377b' > {directory}/a", ENOUGH).success
    read = session.file_system.read_file(f"{directory}/a")
    assert not read.success
    assert "is not UTF-8" in read.error_message, read


@for_each_route()
def test_facts_about_a_file_are_told(session: Any, directory: str) -> None:
    assert session.file_system.write_file(f"{directory}/a", "ü").success
    facts = session.file_system.get_file_info(f"{directory}/a").file_info
    assert (facts["size"], facts["isFile"], facts["isDirectory"]) == (2, True, False), facts
    assert str(facts["permissions"]) in {"644", "0644", "-rw-r--r--", "rw-r--r--"}, facts
    assert {"created", "modified", "accessed"} <= facts.keys(), facts
    facts = session.file_system.get_file_info(directory).file_info
    assert (facts["isFile"], facts["isDirectory"]) == (False, True), facts


@for_each_route()
def test_directories_are_made_with_their_parents_and_listed(session: Any, directory: str) -> None:
    files = session.file_system
    assert files.create_directory(f"{directory}/b/c/d").success
    assert files.create_directory(f"{directory}/b/c/d").success
    assert files.write_file(f"{directory}/a file, ü", "x").success
    assert _entries(files.list_directory(directory)) == [("a file, ü", False), ("b", True)]
    assert files.list_directory(f"{directory}/b/c/d").entries == []


def _entries(listed: Any) -> list[tuple[str, bool]]:
    """The names, and which are directories: first clients give dictionaries, later ones objects."""
    found = [
        (entry["name"], entry["isDirectory"]) if isinstance(entry, dict) else (entry.name, entry.is_directory)
        for entry in listed.entries
    ]
    return sorted(found)


@for_each_route()
def test_fresh_session_has_a_directory_for_temporary_files(session: Any) -> None:
    listed = session.file_system.list_directory("/tmp")
    assert listed.success, listed
    assert session.file_system.list_directory("/home/wuying").success


@for_each_route(since=TELLING)
def test_files_are_moved_with_all_that_is_in_them(session: Any, directory: str) -> None:
    files = session.file_system
    assert files.create_directory(f"{directory}/old").success
    assert files.write_file(f"{directory}/old/a", "kept").success
    moved = files.move_file(f"{directory}/old", f"{directory}/new")
    assert moved.success, moved
    assert files.read_file(f"{directory}/new/a").content == "kept"
    assert not files.get_file_info(f"{directory}/old").success
    missing = files.move_file(f"{directory}/none", f"{directory}/x")
    assert not missing.success
    assert f"{directory}/none" in missing.error_message, missing


@for_each_route(since="0.13.1")
def test_files_are_deleted(session: Any, directory: str) -> None:
    files = session.file_system
    assert files.write_file(f"{directory}/a", "x").success
    assert files.delete_file(f"{directory}/a").success
    again = files.delete_file(f"{directory}/a")
    assert not again.success
    assert f"{directory}/a" in again.error_message, again


@for_each_route(since=TELLING)
def test_edits_replace_the_first_match_each(session: Any, directory: str) -> None:
    files = session.file_system
    assert files.write_file(f"{directory}/a", "one two one\n").success
    edits = [{"oldText": "one", "newText": "1"}, {"oldText": "two", "newText": "2 ü"}]
    assert files.edit_file(f"{directory}/a", edits, dry_run=True).success
    assert files.read_file(f"{directory}/a").content == "one two one\n"
    edited = files.edit_file(f"{directory}/a", edits)
    assert edited.success, edited
    assert files.read_file(f"{directory}/a").content == "1 2 ü one\n"
    absent = files.edit_file(f"{directory}/a", [{"oldText": "absent", "newText": "x"}])
    assert not absent.success
    assert "absent" in absent.error_message, absent
    assert files.read_file(f"{directory}/a").content == "1 2 ü one\n"


@for_each_route()
def test_many_files_are_read_at_once(session: Any, directory: str) -> None:
    files = session.file_system
    contents = {f"{directory}/{name}": f"in {name}\nü" for name in "abc"}
    for path, content in contents.items():
        assert files.write_file(path, content).success
    read = files.read_multiple_files(list(contents))
    assert read.success, read
    assert read.contents == contents


@for_each_route()
def test_files_are_found_by_a_pattern_of_their_name(session: Any, directory: str) -> None:
    files = session.file_system
    for name in (
        "deep/er/SEARCHABLE_PATTERN_1.txt",
        "x_SEARCHABLE_PATTERN.md",
        "other.txt",
        "node_modules/SEARCHABLE_PATTERN",
    ):
        assert files.create_directory(f"{directory}/{name}".rpartition("/")[0]).success
        assert files.write_file(f"{directory}/{name}", "x").success
    found = files.search_files(directory, "*SEARCHABLE_PATTERN*", exclude_patterns=["node_modules"])
    assert found.success, found
    assert sorted(found.matches) == [
        f"{directory}/deep/er/SEARCHABLE_PATTERN_1.txt",
        f"{directory}/x_SEARCHABLE_PATTERN.md",
    ]
    assert files.search_files(directory, "*.none").matches == []


@for_each_route(since=TELLING)
def test_missing_file_is_told_by_its_path(session: Any) -> None:
    files = session.file_system
    answers = [
        files.read_file("/no/such"),
        files.get_file_info("/no/such"),
        files.list_directory("/no/such"),
        files.edit_file("/no/such", [{"oldText": "a", "newText": "b"}]),
    ]
    assert not any(answer.success for answer in answers)
    assert all("/no/such" in answer.error_message for answer in answers), answers


@for_each_route(since=TELLING)
def test_what_the_user_may_not_do_is_refused(session: Any) -> None:
    files = session.file_system
    for answer in (
        files.write_file("/etc/passwd", "x"),
        files.create_directory("/etc/x"),
        files.read_file("/etc/shadow"),
    ):
        assert not answer.success
        assert "/etc/" in answer.error_message, answer


@for_each_route(since=TELLING)
def test_directory_is_no_file(session: Any, directory: str) -> None:
    read = session.file_system.read_file(directory)
    assert not read.success
    assert directory in read.error_message, read
    listed = session.file_system.list_directory("/etc/hostname")
    assert not listed.success, listed


@for_each_route(since=ALIASES)
def test_other_names_of_a_method_do_the_same(session: Any, directory: str) -> None:
    for files in (session.fs, session.filesystem, session.files):
        assert files.write(f"{directory}/a", "x").success
        assert files.read(f"{directory}/a").content == "x"
        assert _entries(files.ls(directory)) == [("a", False)]
        assert _entries(files.list(directory)) == [("a", False)]
        assert files.rm(f"{directory}/a").success
        for name in ("delete", "remove"):
            assert files.write(f"{directory}/a", "x").success
            assert getattr(files, name)(f"{directory}/a").success


@for_each_route()
def test_writing_makes_the_directories_that_lack(session: Any, directory: str) -> None:
    assert session.file_system.write_file(f"{directory}/b/c/a", "x").success
    assert session.file_system.read_file(f"{directory}/b/c/a").content == "x"
