"""A virtual environment for each release, with its wheel as the registry has it, and every version pinned."""

import hashlib
import sys
from pathlib import Path

from tests.contract.clients import Client
from tests.registries import cached, run, uv

PINS = Path(__file__).with_name("pins.txt")
AUTHORITIES = "lib/python*/site-packages/certifi/cacert.pem"
_END = "-----END CERTIFICATE-----\n"


def python_of(client: Client) -> str:
    """The interpreter of the client's environment; made where it is not there yet."""
    wanted = f"{PINS.read_text()} {client.pins} {sys.version} {Path(__file__).read_text()}"
    kind = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    place = cached(f"contract-{client.wheel}-{client.version}-{kind}", lambda place: _install(client, place))
    return str(place / "bin" / "python")


def authority_of(python: str) -> str:
    """The one authority that such an interpreter's clients know, as the value of SSL_CERT_FILE.

    Most of them read the whole list at each call, which takes longer than the call; no test reaches one who is in it.
    """
    return str(next(Path(python).parents[1].glob(AUTHORITIES)))


def _install(client: Client, place: Path) -> Path:
    made, own = place / "venv", place / "own.txt"
    own.write_text("\n".join(client.pins))
    python = str(made / "bin" / "python")
    run(uv(), "venv", "--quiet", "--python", sys.executable, str(made), cwd=place)
    options = ("--constraint", str(PINS), "--constraint", str(own), "--compile-bytecode", "--quiet")
    run(uv(), "pip", "install", "--python", python, *options, f"{client.wheel}=={client.version}", cwd=place)
    known = next(made.glob(AUTHORITIES))
    known.write_text(known.read_text().partition(_END)[0] + _END)
    return made
