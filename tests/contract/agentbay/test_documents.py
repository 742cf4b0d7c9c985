"""Scripts as the cloud's documents show them, and what these promise of methods that no other test calls."""

from collections.abc import Callable
from typing import Any

from tests.contract.agentbay.words import ids, refusal
from tests.contract.clients import Client, for_each
from tests.contract.far import Process
from tests.waiting import until

Make = Callable[..., Any]
NEWEST = for_each(since="0.22.0")
OUTSIDE = "/tmp/origin.git"


@for_each(since="0.13.1", until="0.15.2")
def test_pause_and_resumption_are_begun_without_waiting(client: Client, cloud: Any, make: Make) -> None:
    session = make()
    prefix = "beta_" if client.release >= (0, 15) else ""
    begun = getattr(session, f"{prefix}pause_async")()
    assert begun.success, begun
    assert begun.request_id
    until(lambda: "paused" in refusal(session.file_system.read_file, "/etc/hostname").lower(), "the pause")
    if client.release < (0, 15):
        assert session.resume_async().success
    else:
        assert cloud.beta_resume(session).success
    until(lambda: session.file_system.read_file("/etc/hostname").success, "the resumption")


@for_each(until="0.9.3")
def test_first_clients_find_the_server_of_a_tool(make: Make) -> None:
    session = make()
    session.list_mcp_tools()
    assert session.find_server_for_tool("shell") == "wuying_shell"
    assert session.find_server_for_tool("no_such_tool") == ""


@NEWEST
def test_list_has_ten_sessions_where_no_limit_is_given(cloud: Any, make: Make) -> None:
    for _ in range(2):
        made = cloud.create.at_once(*[()] * 6)
        assert all(one.success for one in made), made
    first, second = cloud.list(), cloud.list(page=2)
    assert (len(ids(first)), len(ids(second)), first.total_count, first.max_results) == (10, 2, 12, 10)
    assert len({*ids(first), *ids(second)}) == 12


@NEWEST
def test_sessions_are_wished_for_as_the_documents_show(cloud: Any, wish: Make, process: Process) -> None:
    policy = process.find("LifecyclePolicy")(idle_release_timeout=10, max_runtime=60)
    for wishes in (
        {"labels": {"environment": "production"}, "framework": "langchain"},
        {"lifecycle_policy": policy, "enable_browser_replay": False, "load_skills": False},
        {"image_id": "aio-ubuntu-2404"},
    ):
        made = cloud.create(wish(**wishes))
        assert made.success, (wishes, made)
    assert len(ids(cloud.list(labels={"environment": "production"}, limit=10))) == 1


@NEWEST
def test_history_is_reset_and_files_are_restored(make: Make) -> None:
    session, git, path = _repository(make)
    files = session.file_system
    files.write_file(f"{path}/file.txt", "two")
    git.restore(path, ["file.txt"])
    assert files.read_file(f"{path}/file.txt").content == "one"
    files.write_file(f"{path}/file.txt", "three")
    git.add(path, files=["file.txt"])
    git.restore(path, ["."], staged=True)
    (changed,) = git.status(path).files
    assert (changed.path, changed.staged, changed.status) == ("file.txt", False, "modified")
    git.add(path)
    git.commit(path, "second", author_name="Bob", author_email="bob@example.com")
    assert [(entry.author_name, entry.message) for entry in git.log(path, max_count=5).entries] == [
        ("Bob", "second"),
        ("Alice", "Initial commit"),
    ]
    git.reset(path, mode="hard", target="HEAD~1")
    assert files.read_file(f"{path}/file.txt").content == "one"
    assert git.get_config(path, "user.name") == "Alice"
    assert git.get_config(path, "no.such") is None


@NEWEST
def test_remote_repository_is_named_cloned_and_pulled_from(make: Make) -> None:
    session, git, path = _repository(make)
    git.init(OUTSIDE, bare=True, initial_branch="main")
    git.remote_add(path, "origin", "https://git.example.org/user/repo.git")
    git.remote_add(path, "origin", OUTSIDE, overwrite=True, fetch=True)
    assert "already exists" in refusal(git.remote_add, path, "origin", OUTSIDE)
    assert (git.remote_get(path, "origin"), git.remote_get(path, "none")) == (OUTSIDE, None)
    assert session.command.run(f"git -C {path} push -u origin main").success
    clone = git.clone(f"file://{OUTSIDE}", branch="main", depth=1, path="/tmp/clone").path
    assert git.status(clone).upstream == "origin/main"
    git.pull(path, remote="origin", branch="main")
    assert "does not exist" in refusal(git.clone, "/tmp/none.git")


@NEWEST
def test_conflict_of_a_merge_shows_in_the_status(make: Make) -> None:
    session, git, path = _repository(make)
    for branch, content in (("feature-x", "theirs"), ("main", "ours")):
        (git.create_branch if branch != "main" else git.checkout_branch)(path, branch)
        session.file_system.write_file(f"{path}/file.txt", content)
        git.add(path)
        git.commit(path, content)
    assert not session.command.run(f"git -C {path} merge feature-x").success
    told = git.status(path)
    assert (told.current_branch, told.has_conflicts, told.conflict_count) == ("main", True, 1)


def _repository(make: Make) -> tuple[Any, Any, str]:
    """A session with one commit in a repository, what Git is asked by, and where the repository is."""
    session, path = make(), "/home/wuying/project"
    session.git.init(path, initial_branch="main")
    session.git.configure_user(path, "Alice", "alice@example.com")
    assert session.file_system.write_file(f"{path}/file.txt", "one").success
    session.git.add(path)
    session.git.commit(path, "Initial commit")
    return session, session.git, path
