"""Where the program begins: what can leave at once leaves, then the rest is loaded."""

import sys

__all__ = ["main"]


def main() -> None:
    """The entry point of the program; it ends with the command's exit status."""
    from okube.cli.early import send

    send(sys.argv[1:])
    from okube.cli.main import main as run

    run()
