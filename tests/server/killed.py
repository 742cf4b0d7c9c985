"""A Cove that kills itself with SIGKILL at a checkpoint: `python killed.py DIRECTORY CHECKPOINT`."""

import os
import signal
import sys
from pathlib import Path

import httpx2

from cove.testing import running_cove

MOVES = {
    "create": [],
    "pause": [("POST", "/pause")],
    "resume": [("POST", "/pause"), ("POST", "/resume")],
    "delete": [("DELETE", "")],
    "release": [],
    "key": [],
}
IDLE = 60.0


def main(directory: Path, checkpoint: str) -> None:
    def kill(name: str) -> None:
        if name == checkpoint:
            os.kill(os.getpid(), signal.SIGKILL)

    with running_cove(directory, checkpoint=kill) as cove:
        transport = httpx2.HTTPTransport(uds=str(cove.socket))
        headers = {"Authorization": f"Bearer {cove.api_key}"}
        with httpx2.Client(transport=transport, base_url="http://cove", headers=headers, timeout=60) as http:
            move = checkpoint.partition(".")[0]
            wish = {"idle_timeout": IDLE, "on_idle": "release" if move == "release" else "pause"}
            session = http.post("/v1/sessions", json=wish).json()["session_id"]
            for method, path in MOVES[move]:
                http.request(method, f"/v1/sessions/{session}{path}").raise_for_status()
            cove.pass_time(IDLE + 1)
            key = http.post("/v1/keys", json={"tenant": "blue"}).json()["key"]["key_id"]
            http.post(f"/v1/keys/{key}/rotate", json={}).raise_for_status()
            http.delete(f"/v1/keys/{key}").raise_for_status()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
