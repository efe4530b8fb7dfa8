"""Things that go wrong in a rack, done to the lab's machines on purpose, with what a person sees meanwhile.

Each scenario begins and ends with a whole cluster that runs the demo's app, and fails where the cluster does not do
what its documentation says.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from okube.install.inventory import Machine
from vagrant import seen
from vagrant.machines import Machines
from vagrant.site import Site, name_of
from vagrant.transcript import StepFailed, Transcript

__all__ = ["SCENARIOS", "Lab", "cut_network", "kill_manager", "lose_worker", "upgrade"]

Row = dict[str, Any]


class Lab:
    """The lab while a scenario runs.

    Args:
        site: its machines.
        machines: their power and cables.
        transcript: where all is shown.
        okube: how the command is called.
        patience_s: how long anything may take; emulated machines take minutes.
        bundle: the next version, for ``upgrade``.
    """

    def __init__(
        self,
        site: Site,
        machines: Machines,
        transcript: Transcript,
        *,
        okube: str = "okube",
        patience_s: float = 300,
        bundle: Path | None = None,
    ) -> None:
        self.site = site
        self.machines = machines
        self.transcript = transcript
        self.bundle = bundle
        self._okube = okube
        self._patience_s = patience_s

    def okube(self, *words: str, quiet: bool = False) -> str:
        """Run ``okube`` and show it."""
        return self.transcript.run(self._okube, *words, quiet=quiet, shown=" ".join(("okube", *words)))

    def status(self) -> Row:
        """What ``okube status`` says, or nothing while nobody answers."""
        found = self._look("status")
        return found if isinstance(found, dict) else {}

    def tasks(self) -> list[Row]:
        """What ``okube ps`` says, or nothing while nobody answers."""
        found = self._look("ps")
        return found if isinstance(found, list) else []

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait for it, and show how long it took."""
        self.transcript.wait(what, holds, timeout_s=self._patience_s)

    def on(self, machine: Machine, program: str) -> None:
        """Run a shell's command on a machine and show it, by Vagrant's own way in."""
        self.transcript.run("vagrant", "ssh", name_of(machine), "-c", program)

    def wait_whole_cluster(self) -> None:
        """Wait until all managers and nodes take part."""
        managers = [each.name for each in self.site.config.managers]
        workers = len(self.site.config.workers)
        self.wait("all managers and nodes take part", lambda: seen.whole(self.status(), managers, workers))

    def wait_whole(self) -> None:
        """The same, and until every task runs."""
        self.wait_whole_cluster()
        self.wait("every task is ready", lambda: bool(t := self._wanted()) and len(seen.running(t)) == len(t))

    def a_worker(self) -> str:
        """A node with tasks, on a machine without a manager where there is one."""
        busy = [task["node"] for task in seen.running(self.tasks())]
        apart = [node for node in busy if not self.site.machine(node).managers]
        if not busy:
            raise StepFailed("No task runs: apply the demo first, 'lab image' and 'okube apply -f examples/demo.yaml'.")
        return str((apart or busy)[0])

    def _wanted(self) -> list[Row]:
        return [task for task in self.tasks() if task["desired"] == "run"]

    def _look(self, *words: str) -> Any:
        said = self.transcript.ask(self._okube, *words, "-o", "json")
        return json.loads(said) if said else None


def kill_manager(lab: Lab) -> None:
    """The leader's machine loses its power: another manager leads, writes go through, and it comes back."""
    lab.wait_whole()
    if len(lab.site.config.managers) < 3:
        raise StepFailed("One manager has no successor: this takes a lab with three.")
    old = seen.leader(lab.status())
    assert old is not None
    machine = lab.site.machine(old)
    lab.transcript.say(f"{old} leads, and its machine loses its power")
    lab.machines.power_off(name_of(machine))
    lab.wait("another manager leads", lambda: seen.leader(lab.status()) not in (None, old))
    lab.okube("status")
    lab.okube("run", "--image", "okube/demo:1", "--name", "after-the-loss", "--no-wait", "--", "sh", "./counter")
    lab.okube("rm", "after-the-loss")
    lab.machines.power_on(name_of(machine))
    lab.wait_whole()
    lab.okube("status")


def lose_worker(lab: Lab) -> None:
    """A worker's machine loses its power: its tasks run elsewhere, and the machine is a node again when it is back."""
    lab.wait_whole()
    node = lab.a_worker()
    machine, before = lab.site.machine(node), lab.tasks()
    lab.okube("ps")
    lab.transcript.say(f"the machine of {node} loses its power")
    lab.machines.power_off(name_of(machine))
    lab.wait(f"the tasks of {node} run elsewhere", lambda: seen.replaced(before, lab.tasks(), _nodes(machine)))
    lab.okube("ps")
    lab.machines.power_on(name_of(machine))
    lab.wait_whole()
    lab.okube("nodes")


def cut_network(lab: Lab) -> None:
    """A worker's cable is pulled: its tasks run elsewhere, and what went on behind the cut ends when it is healed."""
    lab.wait_whole()
    node = lab.a_worker()
    machine, before = lab.site.machine(node), lab.tasks()
    lab.transcript.say(f"the cable of {node} is pulled; its containers go on")
    lab.machines.cut(name_of(machine))
    lab.wait(f"the tasks of {node} run elsewhere", lambda: seen.replaced(before, lab.tasks(), _nodes(machine)))
    lab.okube("ps")
    lab.machines.heal(name_of(machine))
    lab.wait_whole()
    lab.okube("ps")


def upgrade(lab: Lab) -> None:
    """Another version of Okube on every machine, while the same containers go on."""
    if lab.bundle is None:
        raise StepFailed("An upgrade needs the bundle of another version.")
    lab.wait_whole()
    before = seen.containers(lab.tasks())
    lab.okube("cluster", "upgrade", "-f", str(lab.site.cluster_file), "--bundle", str(lab.bundle))
    lab.wait_whole()
    after = seen.containers(lab.tasks())
    if after != before:
        raise StepFailed(f"Other containers run than before: {before} before, {after} after.")
    lab.transcript.say(f"the same {len(after)} containers run")


def _nodes(machine: Machine) -> list[str]:
    return [worker.name for worker in machine.workers]


SCENARIOS: dict[str, Callable[[Lab], None]] = {
    "kill-manager": kill_manager,
    "cut-network": cut_network,
    "lose-worker": lose_worker,
    "upgrade": upgrade,
}
