"""What an image's /etc/environment says reaches every command; what it cannot say leaves commands as they were."""

import os
from collections.abc import Iterator

import pytest
from tests.serving import served

import cove

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the namespaces driver needs root")
WRITE = "printf '%s' \"$WHAT\" > /etc/environment"


@pytest.fixture(scope="module")
def session() -> Iterator[cove.Session]:
    with served() as server, server.client() as agent_bay, agent_bay.open() as session:
        yield session


def test_variables_of_the_image_are_every_commands(session: cove.Session) -> None:
    session.command.run(WRITE, user="root", envs={"WHAT": '# a comment\nREGION="far away"\nexport OLD=1\nHOME=/no\n'})

    assert session.command.run('echo "$REGION $OLD $HOME"').stdout == "far away 1 /home/wuying\n"


@pytest.mark.parametrize("text", ["", "=\n==\nno sign\n", "A" * 200_000, "\x01\xff=\xff"])
def test_a_file_that_says_nothing_leaves_commands_as_they_were(session: cove.Session, text: str) -> None:
    session.command.run(WRITE, user="root", envs={"WHAT": text[:100_000]})

    assert session.command.run("echo $USER; command -v ls").stdout == "wuying\n/usr/bin/ls\n"
