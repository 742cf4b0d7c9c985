"""Images that the clouds' clients know and this version has not: the capability of each, for a refusal that helps."""

from collections.abc import Iterator
from contextlib import contextmanager

from cove.compat.operations.registry import not_built
from cove.core.errors import ImageNotFound

LACKING_IMAGES: dict[str, str] = {
    "windows_latest": "windows",
    **dict.fromkeys(("mobile_latest", "mobile-use-android-12", "mobile-use-android-12-gw"), "mobile"),
}


@contextmanager
def named_by_capability() -> Iterator[None]:
    """Let what is not found be one of these images, unless an operator has one of that name: then it is not built."""
    try:
        yield
    except ImageNotFound as error:
        image = str(error.facts["image_id"])
        if image not in LACKING_IMAGES:
            raise
        raise not_built(LACKING_IMAGES[image], f"the image {image!r}") from error
