"""Clusters as their files describe them."""

from collections.abc import Mapping
from pathlib import Path

from okube.config import ClusterConfig, load_cluster

__all__ = ["a_cluster"]


def a_cluster(
    folder: Path, *, managers: Mapping[str, str], workers: Mapping[str, str], extra: str = ""
) -> ClusterConfig:
    """The cluster of names and hosts."""
    lines = ["cluster: lab", "managers:"]
    lines += [
        f"  - {{name: {name}, host: {host}, port: {7101 + n}}}" for n, (name, host) in enumerate(managers.items())
    ]
    lines += ["workers:"]
    lines += [f"  - {{name: {name}, host: {host}, port: {7201 + n}}}" for n, (name, host) in enumerate(workers.items())]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cluster.yaml"
    path.write_text("\n".join([*lines, extra, ""]))
    return load_cluster(path)
