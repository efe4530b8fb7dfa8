"""A support bundle holds what helps, says what could not be had, and gives no secret away."""

import tarfile
from pathlib import Path
from typing import Any

from okube.install.support import SupportFile, gather, pack
from okube.model.errors import NoQuorum
from okube.security.tokens import new_token
from tests.unit.install.builders import a_cluster
from tests.unit.install.rackful import Rackful


class Managers:
    """What they tell; ``tasks`` cannot be had."""

    def status(self) -> dict[str, Any]:
        return {"cluster": "lab", "quorum": False}

    def nodes(self) -> list[dict[str, Any]]:
        return []

    def services(self) -> list[dict[str, Any]]:
        return [{"name": "web", "env": {"DB": "hunter2"}, "command": ["run", "--password", "hunter2"]}]

    def tasks(self) -> list[dict[str, Any]]:
        raise NoQuorum("no quorum: bring a majority back")

    def events(self) -> list[dict[str, Any]]:
        return [{"message": f"somebody wrote {TOKEN} into a label"}]


TOKEN = new_token()


async def test_it_has_cluster_and_machines_and_names_what_is_missing(tmp_path: Path) -> None:
    config = a_cluster(tmp_path, managers={"m1": "192.0.2.1"}, workers={"w1": "192.0.2.2"})
    rack = Rackful(config, "0.1.0-aaaaaaaa")
    remotes = {host: remote for host, remote in rack.remotes.items() if host != "192.0.2.2"}
    files = await gather(
        config, rack.machines, remotes, Managers(), lines=10, unreached={"192.0.2.2": "it does not answer"}
    )
    texts = {file.name: file.text for file in files}
    assert {"cluster.yaml", "cluster/status.json", "cluster/services.json", "machines/192.0.2.1/facts.json"} <= set(
        texts
    )
    assert texts["machines/192.0.2.2/unreached.txt"] == "it does not answer"
    assert "no quorum" in texts["cluster/tasks.txt"]
    assert "okube-manager-m1.service" in str(sorted(texts))
    assert "hunter2" not in "".join(texts.values())


async def test_a_machine_that_is_lost_in_the_middle_stops_nobody(tmp_path: Path) -> None:
    config = a_cluster(tmp_path, managers={"m1": "192.0.2.1"}, workers={"w1": "192.0.2.1"})
    rack = Rackful(config, "0.1.0-aaaaaaaa")
    rack.left_to_spend = 0
    files = await gather(config, rack.machines, rack.remotes, Managers(), lines=10, unreached={})
    (lost,) = [file for file in files if file.name == "machines/192.0.2.1/unreached.txt"]
    assert "the connection was lost" in lost.text


def test_what_is_packed_is_scrubbed_and_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "s.tar.gz"
    pack([SupportFile("machines/192.0.2.1/m1.log", f"INFO token {TOKEN}\n")], target, folder="okube-support-lab")
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as archive:
        (member,) = archive.getmembers()
        file = archive.extractfile(member)
        assert file is not None
        text = file.read().decode()
    assert member.name == "okube-support-lab/machines/192.0.2.1/m1.log"
    assert TOKEN not in text
