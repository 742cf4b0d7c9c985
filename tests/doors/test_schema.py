"""The native door is held to its own OpenAPI document, by schemathesis: each route, by what fits and what does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.doors.house import House
from tests.waiting import until

HERE = Path(__file__).parent
SECONDS = 400
SEED = "20261121"
PHASES = {"coverage": "1", "fuzzing": "10", "stateful": "5"}
"""Each with how many examples of each route: the first has as many as the document has branches."""


@pytest.mark.timeout(SECONDS + 80)  # a quarter of a minute where nobody else is at work
@pytest.mark.parametrize("phase", PHASES)
def test_every_route_keeps_to_the_document(house: House, phase: str, tmp_path: Path) -> None:
    own = house.native("GET", "/v1/keys")["keys"][0]["key_id"]
    session = house.native("POST", "/v1/sessions", {})["session_id"]
    since, before = house.log_mark(), house.footprint()

    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("st")), "--config-file", str(HERE / "schemathesis.toml"), "run"),
            *(f"{house.url}/v1/openapi.json", "--header", f"Authorization: Bearer {house.operator}"),
            *("--phases", phase, "--max-examples", PHASES[phase], "--seed", SEED, "--generation-deterministic"),
            *("--continue-on-failure", "--request-timeout", "30", "--no-color", "--warnings", "off"),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "schema_hooks.py"), "OWN_KEY": own, "SESSION": session},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    defects = [line for line in house.logged(since) if line["level"] == "error" or "exception" in line]
    assert not defects, json.dumps(defects[0], indent=1)
    for left in house.native("GET", "/v1/sessions?limit=100")["sessions"]:
        house.native("DELETE", f"/v1/sessions/{left['session_id']}")
    until(lambda: house.footprint().descriptors <= before.descriptors + 2, "its descriptors are given back")
