"""`python -m cove` is `cove`."""

from cove.cli import main

if __name__ == "__main__":
    main()
