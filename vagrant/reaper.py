"""The first process of a process-id namespace: runs a command, and takes in whatever else ends in there.

What a daemon leaves behind becomes a child of the first process. Where that does not ask how its children ended, they
stay as zombies; libvirt takes a zombie for a process that cannot be killed, and waits 40 s for each.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["run_as_first"]


def run_as_first(words: Sequence[str]) -> int:
    """Run a command to its end, and return its exit status: 128 and the signal's number where a signal ended it."""
    child = subprocess.Popen(words)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            child.returncode = code  # so that nobody waits for it again
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(run_as_first(sys.argv[1:]))
