"""Labs in files, for the tests of what is read from them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vagrant.site import Site, read_site

MakeLab = Callable[..., Path]


def a_cluster(**others: Any) -> dict[str, Any]:
    """Two managers with workers beside them, and a worker by itself."""
    return {
        "cluster": "try",
        "data_dir": "own/data",
        "ssh": {"known_hosts": "own/known_hosts"},
        "managers": [
            {"name": "m1", "host": "198.18.5.11", "port": 7101},
            {"name": "m2", "host": "198.18.5.12", "port": 7101},
        ],
        "workers": [
            {"name": "w1", "host": "198.18.5.12", "port": 7201},
            {"name": "w2", "host": "198.18.5.13", "port": 7201},
        ],
        **others,
    }


@pytest.fixture
def make_lab(tmp_path: Path) -> MakeLab:
    """Write a lab file and its cluster's; returns the lab file."""

    def make(cluster: dict[str, Any] | None = None, /, **lab: Any) -> Path:
        (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(cluster or a_cluster()))
        path = tmp_path / "lab.yaml"
        path.write_text(yaml.safe_dump({"cluster": "cluster.yaml", **lab}))
        return path

    return make


@pytest.fixture
def site(make_lab: MakeLab) -> Site:
    """The lab of ``a_cluster``."""
    return read_site({"OKUBE_LAB": str(make_lab())})
