"""What SECURITY.md claims: one sentence each, under the name by which the tests of this directory refer to it."""

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """A sentence about what a session cannot do, or what it can do at most."""

    id: str
    sentence: str


CLAIMS = (
    Claim("namespaces", "Nobody in a session can make namespaces or mounts, not even in namespaces of its own."),
    Claim("system-calls", "System calls that reach into the kernel's less guarded parts are refused by a filter."),
    Claim("foreign-calls", "A program of another system call convention (i386, x32) is killed."),
    Claim("sockets", "Only unix, IPv4, IPv6 and netlink sockets can be made."),
    Claim("terminals", "Nobody can put input into a terminal."),
    Claim("capabilities", "Root inside has fourteen capabilities, and those only towards its own session."),
    Claim("no-new-privileges", "No program gives its user more rights than its caller had; setuid bits mean nothing."),
    Claim("proc", "What /proc tells about the machine is masked, and the kernel's settings cannot be changed."),
    Claim("sys", "/sys is empty, and no control group can be seen or written."),
    Claim("devices", "/dev has the harmless devices only, and no others can be made."),
    Claim("files", "Homes, keys, unreadable files and this project's own files on the host are not there to be seen."),
    Claim("mounts", "The mount table names no path of the host."),
    Claim("processes", "Processes of the host and of other sessions can be neither seen nor signalled."),
    Claim("environment", "No process of a session has an environment variable of the server."),
    Claim("descriptors", "No descriptor of the server or the launcher is open in a session."),
    Claim("runtime", "Nobody in a session, root included, can change the guest's code."),
    Claim(
        "network",
        "A session reaches this machine, private networks and a cloud's metadata by no address and no name, unless the"
        " operator named them.",
    ),
    Claim(
        "network-rules",
        "Where rules say what a session may reach, it reaches nothing else: by no look-alike name, forged resolution,"
        " foreign TLS name or other port.",
    ),
    Claim(
        "network-datagrams",
        "Nothing but TCP leaves a session, through the relay alone; where rules are set, no question carries anything"
        " out.",
    ),
    Claim("network-change", "A change of a session's policy holds at once, and cuts the connections that stand."),
    Claim(
        "links",
        "What a session serves is shown to nobody without a link's token, and no longer once the link has expired or"
        " was revoked, or the session has ended.",
    ),
    Claim(
        "links-apart",
        "Each link's page is an origin of its own: no page of another session, or of any site, acts in it through the"
        " user's browser.",
    ),
    Claim(
        "links-framing",
        "A request or an answer that two programs may read in two ways reaches nobody, and no client gets another's"
        " answer.",
    ),
    Claim(
        "session-token",
        "A session's own token calls tools and watches files of that session, opens no other and nothing else, and no "
        "longer once it was revoked or the session has ended.",
    ),
    Claim("links-load", "Whatever a session's server or its visitors do, other sessions' links are served."),
    Claim("unix-sockets", "None of our sockets has a name inside, and the host's abstract sockets are out of reach."),
    Claim("neighbours", "Sessions share no user ids, files, processes or names with each other."),
    Claim(
        "guest-lives", "A session whose guest is killed goes on, and its first process cannot be killed from inside."
    ),
    Claim("hostile-guest", "Whatever a guest answers, or if it never does, the server and other sessions are well."),
    Claim("memory", "A session that fills its memory, shared memory included, loses the process and nothing else."),
    Claim("processes-limit", "A session that forks without end stops at its limit; others do not notice."),
    Claim("disk", "A session that fills its disk gets an error at its limit; others can write."),
    Claim("output", "Output without end is cut off and marked, and costs a bounded amount of memory."),
    Claim("cpu", "A session gets no more processor time than its limit."),
    Claim("time", "A command is gone after its time is up, whatever signals it ignores."),
    Claim("deletion", "A deleted session is gone, whatever files, names and processes were made in it."),
)
"""In the order of SECURITY.md."""
