"""An upgrade of a rack in memory: in order, interrupted anywhere, and with releases that are no good."""

from pathlib import Path

import pytest

from okube.install.bundle import read_manifest
from okube.install.remote import CommandFailed, MachineUnreachable
from okube.install.upgrading import Upgrader, UpgradeStopped
from okube.model.errors import Conflict
from tests.unit.install.builders import a_cluster
from tests.unit.install.rackful import Rackful, a_bundle_of

MANAGERS = {f"m{n}": f"192.0.2.{n}" for n in (1, 2, 3)}
WORKERS = {"w1": "192.0.2.1", "w2": "192.0.2.22", "w3": "192.0.2.23"}  # w1 is beside m1


class Upgrades:
    """A rack that runs 0.1.0, and the bundle of 0.2.0."""

    def __init__(self, folder: Path) -> None:
        self.old_bundle = a_bundle_of(folder / "old", "0.1.0")
        self.bundle = a_bundle_of(folder / "new", "0.2.0")
        self.old, self.new = read_manifest(self.old_bundle).release, read_manifest(self.bundle).release
        config = a_cluster(folder, managers=MANAGERS, workers=WORKERS)
        self.rack = Rackful(config, self.old)
        self.rack.release = self.new
        self.said: list[str] = []

    async def run(self, bundle: Path | None = None, *, back: bool = False, dry_run: bool = False) -> bool:
        rack = self.rack
        upgrader = Upgrader(
            rack.config, rack.machines, rack.remotes, rack, batch=2, timeout_s=0.05, say=self.said.append
        )
        return await upgrader.run(bundle or self.bundle, back=back, dry_run=dry_run)

    def all_run(self, release: str) -> bool:
        return set(self.rack.runs().values()) == set(self.rack.units().values()) == {release}


@pytest.fixture
def upgrades(tmp_path: Path) -> Upgrades:
    return Upgrades(tmp_path)


async def test_all_get_it_managers_first_and_the_leader_last_of_them(upgrades: Upgrades) -> None:
    assert await upgrades.run()
    assert upgrades.all_run(upgrades.new)
    assert upgrades.rack.order == ["m2", "m3", "m1", "w1", "w2", "w3"]
    assert {host.current for host in upgrades.rack.hosts.values()} == {f"/opt/okube/versions/{upgrades.new}"}


async def test_again_there_is_nothing_to_do(upgrades: Upgrades) -> None:
    await upgrades.run()
    upgrades.rack.order.clear()
    assert not await upgrades.run()
    assert upgrades.rack.order == []


async def test_a_dry_run_tells_the_order_and_touches_nothing(upgrades: Upgrades) -> None:
    assert await upgrades.run(dry_run=True)
    assert [line.split()[0] for line in upgrades.said] == ["m2", "m3", "m1", "w1", "w2", "w3"]
    assert upgrades.all_run(upgrades.old)
    assert all(host.releases == {upgrades.old} for host in upgrades.rack.hosts.values())


async def test_a_release_that_does_not_start_stops_at_the_first_manager_which_is_put_back(upgrades: Upgrades) -> None:
    upgrades.rack.broken = dict.fromkeys(("m1", "m2", "m3", "w1", "w2", "w3"), (upgrades.new,))
    with pytest.raises(UpgradeStopped) as caught:
        await upgrades.run()
    assert "m2 does not run" in caught.value.detail and "a line of its log" in caught.value.detail
    assert "All run 0.1.0 as before" in caught.value.detail
    assert upgrades.all_run(upgrades.old)
    assert upgrades.rack.order == ["m2", "m2"]


async def test_a_release_that_starts_and_does_not_serve_is_put_back_as_well(upgrades: Upgrades) -> None:
    upgrades.rack.deaf = {"m3": (upgrades.new,)}
    with pytest.raises(UpgradeStopped, match="m3 not ready"):
        await upgrades.run()
    assert upgrades.rack.runs() == {
        name: upgrades.new if name == "m2" else upgrades.old for name in (*MANAGERS, *WORKERS)
    }
    upgrades.rack.deaf = {}
    assert await upgrades.run()
    assert upgrades.all_run(upgrades.new)


async def test_of_a_batch_only_the_worker_that_does_not_come_back_is_put_back(upgrades: Upgrades) -> None:
    upgrades.rack.broken = {"w2": (upgrades.new,)}
    with pytest.raises(UpgradeStopped, match="w2 does not run"):
        await upgrades.run()
    runs = upgrades.rack.runs()
    assert (runs["w1"], runs["w2"], runs["w3"]) == (upgrades.new, upgrades.old, upgrades.old)


async def test_one_that_does_not_come_back_with_the_former_release_either_is_told_of(upgrades: Upgrades) -> None:
    upgrades.rack.broken = {"m2": (upgrades.new, upgrades.old)}
    with pytest.raises(UpgradeStopped, match=f"With {upgrades.old} it does not either"):
        await upgrades.run()
    assert upgrades.rack.units()["m2"] == upgrades.old


async def test_a_machine_without_room_for_it_stops_it_before_anything_is_switched(upgrades: Upgrades) -> None:
    upgrades.rack.full = "192.0.2.22"
    with pytest.raises(CommandFailed, match=r"192\.0\.2\.22: /opt/okube: No space left on device"):
        await upgrades.run()
    assert upgrades.all_run(upgrades.old)
    assert upgrades.rack.order == []


async def test_with_a_manager_away_it_does_not_begin(upgrades: Upgrades) -> None:
    del upgrades.rack.hosts["192.0.2.3"].running["m3"]
    with pytest.raises(Conflict, match="m3 is not ready"):
        await upgrades.run()


async def test_back_to_the_version_before_where_it_is_meant(upgrades: Upgrades) -> None:
    await upgrades.run()
    upgrades.rack.release = upgrades.old
    with pytest.raises(Conflict, match="say --back"):
        await upgrades.run(upgrades.old_bundle)
    assert await upgrades.run(upgrades.old_bundle, back=True)
    assert upgrades.all_run(upgrades.old)


async def test_whoever_upgrades_may_die_anywhere_and_the_next_run_brings_it_to_its_end(tmp_path: Path) -> None:
    whole = Upgrades(tmp_path / "whole")
    whole.rack.left_to_spend = 10_000
    await whole.run()
    needed = 10_000 - whole.rack.left_to_spend
    assert needed > 20
    for spent in range(0, needed, 2):
        cut = Upgrades(tmp_path / str(spent))
        cut.rack.left_to_spend = spent
        with pytest.raises((MachineUnreachable, CommandFailed), match="the connection was lost"):
            await cut.run()
        assert sum(m["state"] == "ready" for m in cut.rack.status()["managers"]) >= 2
        cut.rack.left_to_spend = None
        await cut.run()
        assert cut.all_run(cut.new)


async def test_cut_off_between_a_bad_start_and_putting_back_the_next_run_puts_it_back(upgrades: Upgrades) -> None:
    host = upgrades.rack.hosts["192.0.2.2"]
    upgrades.rack.broken = {"m2": (upgrades.new,)}
    host.releases.add(upgrades.new)
    unit = "/etc/systemd/system/okube-manager-m2.service"
    host.files[unit] = host.files[unit].replace(upgrades.old.encode(), upgrades.new.encode())
    del host.running["m2"]
    with pytest.raises(UpgradeStopped, match="m2 does not run"):
        await upgrades.run()
    assert upgrades.all_run(upgrades.old)
