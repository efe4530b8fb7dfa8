"""One manager of a bench, in a process of its own: ``python -m okube.bench.member NODES manager --name N --config F``.

It is a manager like any other, but for the agents, which it stands in for. Where ``OKUBE_BENCH_PROFILE`` names a
folder, it leaves there where it spent its time.
"""

import os
import sys
from pathlib import Path

from okube.bench.inleader import InLeader
from okube.bench.sampling import sampled
from okube.config import load_cluster
from okube.processes.run import run_named_manager
from okube.security import ClusterFiles

__all__ = ["figures_of", "main"]

_PROFILE = "OKUBE_BENCH_PROFILE"


def figures_of(config_path: Path, name: str) -> Path:
    """Where a manager's figures are."""
    return ClusterFiles(load_cluster(config_path).data_dir).process(name).root / "figures.json"


def main(arguments: list[str]) -> int:
    """Run it until it is told to end; its exit status."""
    nodes, _, _, name, _, config = arguments
    config_path = Path(config)
    stand_in = InLeader(int(nodes), figures_of(config_path, name))
    folder = os.environ.get(_PROFILE)
    if not folder:
        return run_named_manager(config_path, name, stand_in=stand_in)
    report = Path(folder) / f"{name}.samples"
    return sampled(lambda: run_named_manager(config_path, name, stand_in=stand_in), report)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
