"""The redirect that we tell the kernel is the one that nft would read."""

import inspect
import os
import shutil
import subprocess
import textwrap

import pytest

from cove.node import redirect
from cove.node.netns import DNS_PORT, RELAY_PORT

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft")


def ruleset() -> str:
    return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True, timeout=60).stdout


def test_kernel_has_the_table_that_the_page_shows(apart: None) -> None:
    redirect.install_redirect(DNS_PORT, RELAY_PORT)
    shown = (inspect.getdoc(redirect) or "").partition("table ip cove")
    wanted = textwrap.dedent("    table ip cove" + shown[2].partition("Whatever")[0])
    assert ruleset().replace("\t", "    ").strip() == wanted.strip()


def test_table_that_is_there_already_is_refused_whole(apart: None) -> None:
    subprocess.run(["nft", "add", "table", "ip", "cove"], check=True, timeout=60)
    subprocess.run(["nft", "add", "chain", "ip", "cove", "output"], check=True, timeout=60)
    with pytest.raises(OSError, match="nf_tables"):
        redirect.install_redirect(DNS_PORT, RELAY_PORT)
    assert "redirect" not in ruleset()
