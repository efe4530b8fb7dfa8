"""Which lab is meant, and which machines it has: the lab file's cluster.yaml, as Okube's installation reads it."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from okube.config import ClusterConfig, load_cluster
from okube.install.inventory import Machine, machines_of
from okube.model.errors import BadFile

__all__ = ["FOLDER", "Site", "lab_file", "name_of", "read_site", "vagrants_own"]

FOLDER = Path(__file__).parent


class Site(msgspec.Struct, frozen=True):
    """A lab: the file of its cluster, what that says, and the machines that are to be virtual ones."""

    cluster_file: Path
    config: ClusterConfig
    machines: tuple[Machine, ...]

    def machine(self, name: str) -> Machine:
        """The machine with a manager or worker of that name.

        Raises:
            BadFile: there is none.
        """
        for each in self.machines:
            if name in each.names:
                return each
        known = ", ".join(map(name_of, self.machines))
        raise BadFile(f"{self.cluster_file} puts {name} on no machine; they are {known}.")


def name_of(machine: Machine) -> str:
    """What Vagrant calls a machine: the name of its first process."""
    return machine.names[0]


def lab_file(env: Mapping[str, str]) -> Path:
    """The lab file: ``OKUBE_LAB``, which is relative to the folder of the Vagrantfile, else ``lab.yaml`` there."""
    return FOLDER / env.get("OKUBE_LAB", "lab.yaml")


def read_site(env: Mapping[str, str] = os.environ) -> Site:
    """The lab that is meant.

    Raises:
        BadFile: the lab file cannot be read, or is no mapping.
        InvalidInput: what is wrong with the cluster's file.
    """
    path = lab_file(env)
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise BadFile(f"{path} is no mapping of keys and values.")
    cluster_file = path.parent / str(found.get("cluster", "cluster.yaml"))
    config = load_cluster(cluster_file)
    return Site(cluster_file, config, machines_of(config))


def vagrants_own(env: Mapping[str, str] = os.environ) -> set[str]:
    """The machines that Vagrant has made and not destroyed."""
    notes = Path(env.get("VAGRANT_DOTFILE_PATH", FOLDER / ".vagrant"))
    return {path.parents[1].name for path in notes.glob("machines/*/*/id")}
