"""What sandboxes are made after: the rendered image, the guest's runtime, empty disks, and the order for each."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cove.core.account import HOME, ID_RANGE, USER_ID
from cove.core.errors import InvalidSetting
from cove.core.limits import Limits
from cove.core.ports import SandboxSpec
from cove.node.cgroups import Group
from cove.node.disks import make_template
from cove.node.images import Skeleton, build_skeleton
from cove.node.inside_paths import GUEST_RUNTIME
from cove.node.launcher.orders import Bind, Order, Overlay
from cove.node.netns import RELAY_PORT
from cove.node.runtime import Runtime, build_runtime
from cove.node.settings import NodeSettings
from cove.node.whiteouts import make_whiteouts

_DPKG = "/var/lib/dpkg"
_USER = ["--home", HOME, "--uid", str(USER_ID), "--gid", str(USER_ID)]


class Blueprints:
    """Made once per server, which renders what is missing (a second or two); `order` is then pure.

    Raises InvalidSetting.
    """

    def __init__(self, settings: NodeSettings, controls: tuple[str, ...]) -> None:
        _check_ids(settings)
        self._settings = settings
        self._controls = list(controls)
        with ThreadPoolExecutor(1) as other:  # one waits for programs most of the time, the other for the disk
            runtime = other.submit(build_runtime, settings.cache / "runtime")
            self._skeleton: Skeleton = build_skeleton(settings.cache / "images")
        self._runtime: Runtime = runtime.result()
        self._whiteouts = self._skeleton.path.parent / "whiteouts"
        make_whiteouts(self._whiteouts, self._skeleton.hidden, self._skeleton.usr_links)
        self.template(Limits().disk_bytes)

    @property
    def host_image(self) -> str:
        """The fingerprint of the `host` image."""
        return self._skeleton.fingerprint

    def template(self, disk_bytes: int) -> Path:
        """An empty disk of that size, made on first use."""
        path = self._settings.data_dir / "disks" / f"{disk_bytes}.img"
        make_template(path, disk_bytes)
        return path

    def order(self, spec: SandboxSpec, group: Group) -> Order:
        """Everything the launcher needs for one sandbox."""
        guest = ["--output-bytes", str(spec.limits.output_bytes), *_USER]
        return Order(
            session_id=spec.session_id,
            directory=str(self._settings.sandboxes / spec.session_id),
            first_id=self._settings.first_uid + spec.slot * ID_RANGE,
            overlays=self._overlays(spec),
            binds=[] if spec.image.root else [Bind(str(host), inside) for host, inside in self._skeleton.binds],
            runtime=str(self._runtime.path),
            argv=[*self._runtime.argv(GUEST_RUNTIME), *guest],
            hostname=spec.session_id[:63],
            born_in=str(group.born_in()) if group.born_in() else None,
            join=[str(path) for path in group.join()],
            work_files=[str(path) for path in group.work_files()],
            relay_port=RELAY_PORT,
            controls=self._controls,
            shm_bytes=spec.limits.shm_bytes,
        )

    def _overlays(self, spec: SandboxSpec) -> list[Overlay]:
        if spec.image.root is not None:
            return [Overlay("root", [spec.image.root], "/")]
        overlays = [Overlay("root", [str(self._skeleton.path)], "/")]
        overlays.append(Overlay("usr", [str(self._whiteouts), "/usr"], "/usr"))
        if Path(_DPKG).is_dir():
            overlays.append(Overlay("dpkg", [_DPKG], _DPKG))
        return overlays


def _check_ids(settings: NodeSettings) -> None:
    """The sandboxes' ids must be nobody else's."""
    first, end = settings.first_uid, settings.first_uid + settings.slots * ID_RANGE
    for file in ("/etc/subuid", "/etc/subgid"):
        for line in Path(file).read_text().splitlines() if Path(file).exists() else []:
            start, count = (int(field) for field in line.split(":")[1:3])
            if start < end and first < start + count:
                remedy = f"{file} gives {line!r} away; choose a first id whose {settings.slots} ranges lie outside it"
                raise InvalidSetting(name="first_uid", value=first, remedy=remedy)
