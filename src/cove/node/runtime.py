"""The guest's own Python: an interpreter with all it needs, in one directory, for root file systems that have none.

It is started through its own copy of the dynamic loader, so neither the sandbox's libc nor its Python matter. Which
libraries belong to it is asked of the host's `ldd`. Nothing in it depends on where it is mounted.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import msgspec

import cove.core
from cove.core.errors import NotSupported
from cove.node.whole import made_whole

_FORMAT = "2"
"""Raise it when the layout changes: it goes into the fingerprint."""
_MOUNTED = "/run/cove/rt"
"""What tracebacks show as the place of the code, instead of a path of the host."""

_LEFT_OUT = (
    "__pycache__", "test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "turtle.py",
    "pydoc_data", "sqlite3", "curses", "dbm", "distutils", "venv", "unittest", "config-*", "site-packages",
    "dist-packages", "_sysconfigdata_*", "*.a", "*.pyc", "*.pyi", "py.typed",
    # extension modules that the guest has no use for, most of which pull in large libraries
    "_test*", "_ctypes_test*", "xx*", "_tkinter*", "_dbm*", "_gdbm*", "nis.*", "_curses*", "readline.*", "_sqlite3*",
    "_ssl*", "_hashlib*", "_crypt.*", "ossaudiodev*",
)  # fmt: skip

_STAND_INS = {
    "uuid.py": "class UUID: ...\nclass SafeUUID:\n    unknown = None\n",
    "decimal.py": "class Decimal: ...\n",
    "datetime.py": "from _datetime import *\nfrom _datetime import datetime_CAPI\n",
}
"""Modules of which msgspec only wants the types: a guest has no such values, and they cost 3 ms of its start."""
_LEANER = (
    ("__init__.py", "from . import inspect, json, msgpack, structs, toml, yaml", "from . import json, structs"),
    (
        "json.py",
        "from ._json_schema import schema, schema_components",
        "def schema_components(*args, **options):\n"
        "    from ._json_schema import schema_components\n"
        "    return schema_components(*args, **options)",
    ),
)
"""What msgspec imports and a guest can start without, 3 ms more; the text of another version stays as it is."""
_START = '''"""Started as a sandbox's first process."""
import sys

sys.path.append(__file__.rpartition("/")[0] + "/site")
from cove.guest.init import main

main(sys.argv[1:])
'''


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime directory, ready to be mounted read-only."""

    path: Path
    is_glibc: bool = True

    def argv(self, prefix: str) -> list[str]:
        """How to start the guest where the directory is mounted at `prefix`; the guest's own arguments follow."""
        cache = ["--inhibit-cache"] if self.is_glibc else []
        loader = [f"{prefix}/lib/ld.so", *cache, "--library-path", f"{prefix}/lib"]
        # -I -S: nothing of the sandbox is imported; utf8: whatever its locale is, paths are what JSON says.
        return [*loader, f"{prefix}/bin/python3", "-I", "-S", "-B", "-X", "utf8", f"{prefix}/guest.py"]


def build_runtime(target: Path) -> Runtime:
    """The runtime below `target`, made if it is not there for this interpreter and this code: that takes seconds.

    Several builders at once are no harm: the first one's directory stays. Raises NotSupported where there is no `ldd`
    or no dynamic loader.
    """
    facts = _facts()
    path = target / _fingerprint(facts)
    if not path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        _build(path, facts)
    return Runtime(path=path, is_glibc=not (path / "musl").exists())


def _facts() -> dict[str, Any]:
    """Our own interpreter, as the guest will have it."""
    return {
        "executable": os.path.realpath(sys.executable),
        "version": sys.version,
        "name": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "libdir": sys.platlibdir,
        "stdlib": sysconfig.get_path("stdlib"),
        "dynload": next((path for path in sys.path if os.path.basename(path) == "lib-dynload"), None),
        "msgspec": os.path.dirname(msgspec.__file__),
        "msgspec_version": msgspec.__version__,
    }


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _fingerprint(facts: dict[str, Any]) -> str:
    digest = hashlib.sha256(_FORMAT.encode())
    binary = os.stat(facts["executable"])
    digest.update(json.dumps([facts, binary.st_size, binary.st_mtime_ns], sort_keys=True).encode())
    for source in _sources():
        digest.update(source.name.encode() + source.read_bytes())
    return f"{facts['name']}-{digest.hexdigest()[:16]}"


def _sources() -> list[Path]:
    return sorted(path for part in _parts() for path in part.rglob("*.py"))


def _parts() -> list[Path]:
    # By path: the node does not import its sibling, the guest.
    package = Path(cove.core.__file__).parents[1]
    return [package / "core", package / "guest"]


def _build(path: Path, facts: dict[str, Any]) -> None:
    with made_whole(path) as scratch:
        _copy_python(scratch, facts)
        _copy_code(scratch, facts)
        _copy_libraries(scratch)
        _compile(scratch, facts)
        _open_to_all(scratch)


def _copy_python(scratch: Path, facts: dict[str, Any]) -> None:
    stdlib = scratch / facts["libdir"] / facts["name"]
    ignore = shutil.ignore_patterns(*_LEFT_OUT, "lib-dynload")
    shutil.copytree(
        facts["stdlib"], stdlib, ignore=ignore, copy_function=shutil.copyfile, ignore_dangling_symlinks=True
    )
    if facts["dynload"]:
        extensions = shutil.ignore_patterns(*_LEFT_OUT)
        shutil.copytree(facts["dynload"], stdlib / "lib-dynload", ignore=extensions, copy_function=shutil.copyfile)
    for name, text in _STAND_INS.items():
        (stdlib / name).write_text(text)
    (scratch / "bin").mkdir()
    shutil.copyfile(facts["executable"], scratch / "bin/python3")


def _copy_code(scratch: Path, facts: dict[str, Any]) -> None:
    site = scratch / "site"
    ignore = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(facts["msgspec"], site / "msgspec", ignore=ignore, copy_function=shutil.copyfile)
    for name, eager, lazy in _LEANER:
        module = site / "msgspec" / name
        module.write_text(module.read_text().replace(eager, lazy))
    for part in _parts():
        shutil.copytree(part, site / "cove" / part.name, ignore=ignore, copy_function=shutil.copyfile)
    (site / "cove/__init__.py").write_text('"""As much of Cove as a guest needs."""\n')
    (scratch / "guest.py").write_text(_START)


def _copy_libraries(scratch: Path) -> None:
    """Copy what the interpreter and the extension modules load, and the loader as `lib/ld.so`."""
    libraries = scratch / "lib"
    libraries.mkdir(exist_ok=True)
    loader: Path | None = None
    for binary in (scratch / "bin/python3", *sorted(scratch.rglob("*.so"))):
        needed = _needed(binary)
        if needed is None:
            binary.unlink()  # it would not load on this host either
            continue
        for name, found in needed.items():
            if name.startswith(("ld-", "ld.", "ld64.")):
                loader = found
            elif not (libraries / name).exists():
                shutil.copyfile(found, libraries / name)
    if loader is None:
        raise NotSupported(what="the guest's runtime", reason="this Python is not dynamically linked")
    shutil.copyfile(loader, libraries / "ld.so")
    if "musl" in loader.name:
        (scratch / "musl").touch()


_NEEDED = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x", re.MULTILINE)


def _needed(binary: Path) -> dict[str, Path] | None:
    """Libraries by the name under which they are loaded, the loader among them; None if one is missing."""
    try:
        output = _output(["ldd", str(binary)])
    except FileNotFoundError as error:
        raise NotSupported(what="the guest's runtime", reason="`ldd` is missing; install libc-bin") from error
    except subprocess.CalledProcessError as error:
        raise NotSupported(what="the guest's runtime", reason=f"ldd: {error.stderr or error.stdout}".strip()) from error
    if "not found" in output:
        return None
    found = {Path(name or path).name: Path(path) for name, path in _NEEDED.findall(output)}
    return {name: path.resolve() for name, path in found.items()}


def _compile(scratch: Path, facts: dict[str, Any]) -> None:
    """Byte code that is believed without a look at the source; the paths in it are those of the sandbox."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(scratch), "-p", _MOUNTED]
    subprocess.run(
        [facts["executable"], "-I", "-S", "-m", "compileall", *options, str(scratch)], check=True, capture_output=True
    )


def _open_to_all(scratch: Path) -> None:
    """Inside, everybody else's rights are all that the guest has: the directory is not mapped to its ids."""
    executables = {scratch / "bin/python3", scratch / "lib/ld.so"}
    for directory, _, names in os.walk(scratch):
        Path(directory).chmod(0o755)
        for name in names:
            path = Path(directory, name)
            path.chmod(0o755 if path in executables or ".so" in name else 0o644)
