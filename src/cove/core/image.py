"""What a sandbox is made from, and which tool families it offers."""

import msgspec

from cove.core.errors import ImageNotFound
from cove.core.ids import ImageId


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image: `root` is None for the `host` image, else a directory that holds a root file system."""

    id: ImageId
    families: tuple[str, ...] = ("shell", "files", "system")
    root: str | None = None


DEFAULT_IMAGE = ImageId("linux_latest")
_LINUX = (
    *("linux_latest", "code_latest", "browser_latest", "computer-use-ubuntu-2204", "aio-ubuntu-2404"),
    *("agb-code-space-1", "agb-code-space-2", "agb-browser-use-1"),
    *("agb-computer-use-1", "agb-computer-use-ubuntu-2204"),
)
ALIASES: dict[str, str] = dict.fromkeys(_LINUX, "host")
"""The clouds' names for a Linux with a shell and files, which `host` is; what else such an image has there, a tool
that is not built yet tells. Settings may add more."""


class Images:
    """The images a Cove serves, found by id or alias."""

    def __init__(self, images: tuple[Image, ...], aliases: dict[str, str] = ALIASES) -> None:
        self._by_id = {image.id: image for image in images}
        self._aliases = aliases

    def find(self, image_id: str) -> Image:
        """The image called `image_id`; raises ImageNotFound with the names that exist."""
        image = self._by_id.get(ImageId(self._aliases.get(image_id, image_id)))
        if image is None:
            raise ImageNotFound(image_id=image_id, known=", ".join(self.names()))
        return image

    def names(self) -> list[str]:
        """Every id and alias that `find` knows, sorted."""
        return sorted({*self._by_id, *(alias for alias, name in self._aliases.items() if name in self._by_id)})
