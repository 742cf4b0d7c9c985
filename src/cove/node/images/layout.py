"""What the root directory of a session looks like, as data; only /etc and what package managers read is the host's."""

HOSTNAME = "cove"
MACHINE_ID = "c0e" * 10 + "c0"
"""The same in every session: it must not tell which machine this is."""

MERGED = ("bin", "sbin", "lib")
MERGED_IF_THERE = ("lib32", "lib64", "libx32")

DIRECTORIES: dict[str, int] = {
    **dict.fromkeys(("boot", "dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr"), 0o755),
    **{"root": 0o700, "tmp": 0o1777, "var": 0o755, "var/tmp": 0o1777},
    **dict.fromkeys(("var/backups", "var/cache", "var/lib", "var/local", "var/log", "var/mail", "var/opt"), 0o755),
    **dict.fromkeys(("var/spool", "var/cache/apt", "var/cache/apt/archives", "var/cache/debconf"), 0o755),
    **dict.fromkeys(("var/cache/ldconfig", "var/lib/apt", "var/lib/apt/lists", "var/lib/apt/mirrors"), 0o755),
    **dict.fromkeys(("var/lib/apt/periodic", "var/lib/dpkg", "var/lib/misc", "var/lib/pam", "var/lib/python"), 0o755),
    **dict.fromkeys(("var/lib/systemd", "var/lib/ucf", "var/log/apt"), 0o755),
    **{"var/cache/apt/archives/partial": 0o700, "var/lib/apt/lists/partial": 0o700, "etc/apt/auth.conf.d": 0o755},
}
"""Every directory, relative to the root, with its mode; parents first."""

OWNED_BY_APT = ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial")

LINKS = {"var/run": "/run", "var/lock": "/run/lock", "etc/mtab": "/proc/mounts"}

HOSTS = f"""127.0.0.1 localhost {HOSTNAME}
::1 localhost ip6-localhost ip6-loopback
"""

TMP_README = """This directory is for whatever you like; it belongs to this session alone, and goes with it.
"""

FALLBACK_BASHRC = """# an interactive shell's settings
PS1='\\u@\\h:\\w\\$ '
"""

FALLBACK_PROFILE = """# a login shell's settings
[ -n "$BASH_VERSION" ] && [ -f "$HOME/.bashrc" ] && . "$HOME/.bashrc"
"""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
