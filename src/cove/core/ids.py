"""The kinds of identifier, so that one is never taken for another."""

from typing import NewType

SessionId = NewType("SessionId", str)
TenantId = NewType("TenantId", str)
ImageId = NewType("ImageId", str)
CallId = NewType("CallId", str)
KeyId = NewType("KeyId", str)
LinkId = NewType("LinkId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def text_id(prefix: str, random_bytes: bytes) -> str:
    """A readable id: the prefix, a dash and the bytes in base 32.

    >>> text_id("s", bytes(5))
    's-00000000'
    """
    return f"{prefix}-{base32(random_bytes)}"


def base32(data: bytes) -> str:
    """Bytes as lower-case letters and digits, five bits each."""
    number, letters = int.from_bytes(data), []
    for _ in range(len(data) * 8 // 5):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return "".join(letters)
