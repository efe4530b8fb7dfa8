"""What a machine remembers once one manager of a cluster has gone on alone."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from okube.security import ClusterFiles
from okube.security.private import write_public
from okube.security.seed import read_process_identity, read_seed, write_seed

__all__ = ["leave_behind"]


def leave_behind(data_dir: Path, alone: str, left: Sequence[str]) -> None:
    """Keep in ``cluster.json`` only the manager that is left, and start the others here no more."""
    files = ClusterFiles(data_dir)
    if not files.seed.exists():
        return
    seed = read_seed(files.seed)
    own = files.process(alone).identity
    staying = tuple(
        msgspec.structs.replace(m, instance=read_process_identity(own).instance) if own.exists() else m
        for m in seed.members
        if m.name == alone
    )
    write_seed(files.seed, msgspec.structs.replace(seed, members=staying))
    for name in left:
        folder = files.process(name)
        if folder.identity.exists() and read_process_identity(folder.identity).role == "manager":
            sentence = f"{alone} went on alone, without {name}\n"
            write_public(folder.removed, sentence.encode())
