"""What pysyncobj is given of ours."""

import subprocess
import sys

from okube.raft.adapters import PeerNode

_NAMES = ("m1", "m2", "m3")


def test_a_members_hash_is_the_same_in_every_process() -> None:
    """Sets of members are iterated over in an order that no seed of Python's may change."""
    program = f"from okube.raft.adapters import PeerNode; print(*[hash(PeerNode(n)) for n in {_NAMES!r}])"
    here = " ".join(str(hash(PeerNode(name))) for name in _NAMES)
    for seed in ("1", "2"):
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == here
