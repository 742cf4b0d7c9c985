"""The client with `await`: the source from which the other one is generated."""
