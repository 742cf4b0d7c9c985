"""`cove demo`: one session's life, from its first command to its end, told step by step."""


def demo() -> None:
    """Placeholder."""
