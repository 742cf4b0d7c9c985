"""The account that agents work as, and how many a sandbox has: what images, drivers and guests must agree on."""

USER = "wuying"
USER_ID = 1000
HOME = "/home/wuying"
ID_RANGE = 65536
"""How many user ids one sandbox gets: what a Linux distribution expects to have."""
