"""What an image's /etc/environment says reaches every command; what it cannot say leaves commands as they were."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

import cove

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the namespaces driver needs root")
WRITE = "printf '%s' \"$WHAT\" > /etc/environment"


@pytest.fixture(scope="module")
def session() -> Iterator[cove.Session]:
    with tempfile.TemporaryDirectory(dir="/tmp") as data:
        command = [sys.executable, "-m", "cove", "up", "--json", "--port", "0", "--data", data]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            endpoint = json.loads(server.stdout.readline())["socket"]
            with cove.AgentBay(endpoint=endpoint).open() as session:
                yield session
            server.terminate()


def test_variables_of_the_image_are_every_commands(session: cove.Session) -> None:
    session.command.run(WRITE, user="root", envs={"WHAT": '# a comment\nREGION="far away"\nexport OLD=1\nHOME=/no\n'})

    assert session.command.run('echo "$REGION $OLD $HOME"').stdout == "far away 1 /home/wuying\n"


@pytest.mark.parametrize("text", ["", "=\n==\nno sign\n", "A" * 200_000, "\x01\xff=\xff"])
def test_a_file_that_says_nothing_leaves_commands_as_they_were(session: cove.Session, text: str) -> None:
    session.command.run(WRITE, user="root", envs={"WHAT": text[:100_000]})

    assert session.command.run("echo $USER; command -v ls").stdout == "wuying\n/usr/bin/ls\n"
