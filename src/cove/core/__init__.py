"""The domain: sessions, tools, limits, errors and ports. Pure: no I/O, no clock, no framework."""
