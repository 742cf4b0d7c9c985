"""The usual walls between an ordinary user and a sandbox, told by what /proc, /run and /etc say, each with its opener.

Nothing is tried here: what is tried, and then explained by one of these, stands in the questions. `root` is where the
machine's root directory is, so that a test can show any machine.
"""

from pathlib import Path

HERE = Path("/")
_SWITCHES = {
    "user/max_user_namespaces": ("0", "15000"),
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
}
"""Settings of the kernel by which distributions close user namespaces: the value that closes, and one that opens."""
_MARKS = {"run/.containerenv": "podman", ".dockerenv": "docker", "var/run/secrets/kubernetes.io": "kubernetes"}
_OPENERS = {
    "podman": "start the container with --security-opt seccomp=unconfined --security-opt unmask=ALL",
    "docker": "start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined "
    "--security-opt apparmor=unconfined",
    "kubernetes": "give the pod procMount: Unmasked and seccompProfile: {type: Unconfined}, with hostUsers: false",
}
_ON_HOST = "run `cove up` on the host instead of in this container"


def container(root: Path = HERE) -> str:
    """What kind of container this machine is: docker, podman, kubernetes, another's own name, or "" for none."""
    for mark, kind in _MARKS.items():
        if (root / mark).exists():
            return kind
    return _text(root / "run/systemd/container")


def opener_of_user_namespaces(root: Path = HERE) -> str:
    """The one command that opens user namespaces, where they are found to be closed."""
    for name, (closed, opened) in _SWITCHES.items():
        if _text(root / "proc/sys" / name) == closed:
            return f"sudo sysctl -w {name.replace('/', '.')}={opened}"
    return opener_of_container(root) or "boot a kernel with CONFIG_USER_NS"


def opener_of_container(root: Path = HERE) -> str:
    """How to start the container that this is so that sandboxes can be made in it; "" where this is none."""
    kind = container(root)
    return _OPENERS.get(kind, _ON_HOST) if kind else ""


def core_handler(root: Path = HERE) -> str:
    """The program to which the kernel hands every process that crashes; "" where it writes a file."""
    pattern = _text(root / "proc/sys/kernel/core_pattern")
    return pattern[1:].split()[0] if pattern.startswith("|") and pattern[1:].split() else ""


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
