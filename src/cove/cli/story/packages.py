"""Installing from the registries that this machine itself uses, and reaching nothing else."""

from cove.cli.story.parts import LeftOut, Story, expect, run

_DEBIAN_PACKAGE, _PYTHON_PACKAGE = "hello", "iniconfig"
_INSTALL_SECONDS = 240.0
_ELSEWHERE = ("1.1.1.1:443", "169.254.169.254:80", "10.0.0.1:22")
"""A resolver that everybody knows, where clouds keep their metadata, and a private network."""


def install_debian(story: Story) -> str:
    """A Debian package is installed, and runs."""
    _need(story, "apt-get")
    if story.session.command.execute_command("true", user="root").code == "NotSupported":
        raise LeftOut("nobody is root in this user's sessions; `cove doctor` says what to do")
    script = f"apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y {_DEBIAN_PACKAGE}"
    run(story.session, script, user="root", seconds=_INSTALL_SECONDS)
    return f"`{_DEBIAN_PACKAGE}` says: {run(story.session, _DEBIAN_PACKAGE)}"


def install_python(story: Story) -> str:
    """A Python package is installed for the user, and imports."""
    _need(story, "python3")
    if story.session.command.execute_command("python3 -m pip --version").exit_code != 0:
        raise LeftOut("this machine's Python has no pip")
    run(story.session, f"python3 -m pip install -q {_PYTHON_PACKAGE}", seconds=_INSTALL_SECONDS)
    where = run(story.session, f"python3 -c 'import {_PYTHON_PACKAGE}; print({_PYTHON_PACKAGE}.__file__)'")
    return f"`import {_PYTHON_PACKAGE}` finds {where}"


def reach_nothing_else(story: Story) -> str:
    """Neither addresses nor names beyond the list answer."""
    for place in _ELSEWHERE:
        host, _, port = place.partition(":")
        tried = story.session.command.execute_command(f"exec 3<>/dev/tcp/{host}/{port} && echo hi >&3 && cat <&3")
        expect(tried.exit_code != 0, f"a session reaches {place}")
    named = story.session.command.execute_command("getent hosts nowhere.example")
    expect(named.exit_code != 0, f"a name that is not allowed resolves: {named.stdout}")
    but = f" but {', '.join(story.stage.allow)}" if story.stage.allow else ""
    return f"refused: {', '.join(_ELSEWHERE)}; refused: every name{but}"


def _need(story: Story, program: str) -> None:
    if not story.stage.allow:
        raise LeftOut("no registry of this machine is known, or --offline was given")
    if story.session.command.execute_command(f"command -v {program}").exit_code != 0:
        raise LeftOut(f"this machine has no {program}")
