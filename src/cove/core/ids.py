"""The kinds of identifier, so that one is never taken for another."""

from typing import NewType

SessionId = NewType("SessionId", str)
TenantId = NewType("TenantId", str)
ImageId = NewType("ImageId", str)
CallId = NewType("CallId", str)
KeyId = NewType("KeyId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def text_id(prefix: str, random_bytes: bytes) -> str:
    """A readable id: the prefix, a dash and the bytes in base 32.

    >>> text_id("s", bytes(5))
    's-00000000'
    """
    number, letters = int.from_bytes(random_bytes), []
    for _ in range(len(random_bytes) * 8 // 5):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return f"{prefix}-{''.join(letters)}"
