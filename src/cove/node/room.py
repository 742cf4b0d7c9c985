"""How much memory this machine can still give: by the kernel's estimate, and within the groups that Cove runs in."""

from pathlib import Path

from cove.node.cgroups import Hierarchies, field_of, memory_in_use

MEMINFO = Path("/proc/meminfo")


def memory_roots(at: Hierarchies) -> tuple[Path, ...]:
    """Where the memory controller begins, as far as Cove sees it."""
    v2 = (at.v2,) if at.v2 and "memory" in at.v2_controllers else ()
    return (*v2, *((at.v1["memory"],) if "memory" in at.v1 else ()))


def free_memory(roots: tuple[Path, ...] = (), meminfo: Path = MEMINFO) -> int:
    """Bytes that can be had without swapping; `roots` are the memory controller's roots as Cove sees them.

    In a container such a root is the container's own group, whose limit is below the machine's memory.
    """
    free = field_of(meminfo, "MemAvailable:") * 1024
    return min([free, *(left for root in roots if (left := _left(root)) is not None)])


def _left(group: Path) -> int | None:
    """What a group's limit leaves; None where it has none."""
    for limit in ("memory.max", "memory.limit_in_bytes"):
        if not (group / limit).exists():
            continue
        text = (group / limit).read_text().strip()
        if not text.isdecimal():  # "max"
            return None
        return max(0, int(text) - memory_in_use(group) + _page_cache_in_use(group))
    return None


def _page_cache_in_use(group: Path) -> int:
    """Of files that were read more than once: given up as well when memory is wanted, and part of MemAvailable."""
    return max(field_of(group / "memory.stat", name) for name in ("active_file", "total_active_file"))
