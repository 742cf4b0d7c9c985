"""The way to a guest: nothing that a session can write lies on it, and a link put in its place is not followed."""

import os
import socket
import tempfile

import pytest

import cove

from .running import Inside

pytestmark = pytest.mark.isolation
REPLACE_ALL = """
for name in $(awk 'NR > 1 && $8 ~ /sock/ {print $8}' /proc/net/unix) guest.sock; do
    for place in / /run /run/cove /run/cove/rt /tmp /root; do
        ln -sfn /tmp/trap "$place/$(basename "$name")" 2>/dev/null
    done
done
mv /run/cove/rt /run/cove/away 2>/dev/null; ln -s /tmp/trap /run/cove/sandboxes
echo done
"""


@pytest.mark.claim("unix-sockets")
def test_links_made_inside_change_nothing_on_the_way_to_the_guest(inside: Inside) -> None:
    assert inside.run(REPLACE_ALL, user="root") == "done\n"

    assert inside.run("echo the guest itself") == "the guest itself\n"


@pytest.mark.claim("unix-sockets")
def test_a_directory_replaced_by_a_link_is_not_followed(inside: Inside) -> None:
    """Nobody inside can do this; somebody outside who could would still not be taken for the guest."""
    place = inside.running.directory(inside.id)
    away = place.with_name(f"{inside.id}-away")
    with tempfile.TemporaryDirectory(dir="/tmp") as trap, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(trap, "guest.sock"))
        listener.listen()
        listener.settimeout(0)
        place.rename(away)
        place.symlink_to(trap)
        try:
            result = inside.try_to_run("echo fooled")
            with pytest.raises(BlockingIOError):
                listener.accept()
        finally:
            place.unlink()
            away.rename(place)

    assert (result.success, result.code) == (False, cove.GuestMisbehaved.__name__)
    assert inside.run("echo well") == "well\n"
