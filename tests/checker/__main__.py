"""``python -m tests.checker FILE``: whether the history in a file is linearizable; the exit code is 1 if it is not."""

import sys
import time
from pathlib import Path

from tests.checker import check, load


def main() -> int:
    history = load(Path(sys.argv[1]))
    began = time.monotonic()
    violation = check(history)
    keys = len({operation.key for operation in history})
    took_s = time.monotonic() - began
    verdict = "linearizable" if violation is None else "NOT linearizable"
    print(f"{len(history)} operations on {keys} keys: {verdict} ({took_s:.1f} s)")
    if violation is not None:
        print(violation)
    return 1 if violation is not None else 0


if __name__ == "__main__":
    sys.exit(main())
