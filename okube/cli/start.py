"""Where the program begins: what can leave at once leaves, then the rest is loaded."""

import os
import sys

__all__ = ["main"]

_YIELDS = 10  # of the 19 steps of niceness


def main() -> None:
    """The entry point of the program; it ends with the command's exit status."""
    from okube.cli.early import send

    if send(sys.argv[1:]):
        os.nice(_YIELDS)  # on a machine that is a node too, loading the rest would hold up the very container
    from okube.cli.main import main as run

    run()
