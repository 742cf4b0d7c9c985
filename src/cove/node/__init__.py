"""A machine that hosts sandboxes: drivers, the launcher, images, the egress relay. Linux only."""
