"""The cluster.yaml of a rack: what an operator would write for its hosts."""

from collections.abc import Sequence
from typing import Any

from tests.lab.rack.rack import Rack

__all__ = ["describe"]

_MANAGER_PORT, _WORKER_PORT = 7101, 7201


def describe(
    rack: Rack,
    managers: Sequence[str],
    workers: Sequence[str],
    *,
    runtime: str = "docker",
    user: str = "root",
    **more: Any,
) -> dict[str, Any]:
    """A cluster of these hosts; a host that is named twice has a manager and a worker, ``NAME`` and ``NAME-w``."""
    return {
        "cluster": "rack",
        "data_dir": "okube",
        "managers": [{"name": name, "host": rack[name].address, "port": _MANAGER_PORT} for name in managers],
        "workers": [
            {
                "name": f"{name}-w" if name in managers else name,
                "host": rack[name].address,
                "port": _WORKER_PORT,
                "zone": f"rack-{number}",
                "capacity": {"cores": 4, "memory": "4G", "disk": "20G"},
            }
            for number, name in enumerate(workers, 1)
        ],
        "runtime": runtime,
        "ssh": {"user": user, "identity_file": str(rack.identity), "known_hosts": str(rack.known_hosts)},
        **more,
    }
