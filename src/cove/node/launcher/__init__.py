"""The small, single-threaded process that makes sandboxes.

`process` is its loop, `birth` what its children do, `client` the node's end.

A process of its own, since entering a user namespace is refused beside threads, and since a namespace entered by half
must not poison the server. It can be killed and started again at any moment: sandboxes do not depend on it.
"""
