"""`python -m chatd`: the same as the command `chatd`."""

from chatd.cli import main

if __name__ == "__main__":
    main(prog_name="chatd")
