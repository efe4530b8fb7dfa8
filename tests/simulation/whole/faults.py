"""What goes wrong in a whole cluster: all that goes wrong between managers, and machines, agents, and calls to them."""

import random
from collections.abc import Callable, Collection, Sequence

import msgspec

from okube.model.errors import NotFound, OkubeError
from tests.simulation.cluster import SimulatedCluster
from tests.simulation.faults import Fault, Faults
from tests.simulation.whole.calls import CallNetwork, Silence
from tests.simulation.whole.machine import Machine
from tests.simulation.whole.manager import Write
from tests.unit.worker.machine import VirtualClock

__all__ = ["WholeFaults"]


class WholeFaults(Faults):
    """Breaks managers, machines and the calls between them for a while."""

    pause_s = (0.1, 2.5)

    def __init__(
        self,
        cluster: SimulatedCluster,
        machines: list[Machine],
        network: CallNetwork,
        clocks: list[VirtualClock],
        rng: random.Random,
        note: Callable[[str], None],
        only: Collection[int] | None = None,
    ) -> None:
        super().__init__(cluster, rng, note, only=only)
        self._clocks = clocks
        self._out_of_service: dict[str, None] = {}  # machines that are being replaced
        self._machines = machines
        self._network_of_calls = network
        self._usual_call_delay_s = network.delay_s

    def kinds(self, rng: random.Random) -> Sequence[Fault]:
        """Each seed has its own mixture."""
        of_managers = [
            self._kill_one,
            self._kill_all,
            self._kill_often,
            self._lose_power,
            self._pause,
            self._cut_link,
            self._cut_link_one_way,
            self._isolate,
            self._split,
            self._lose_connection,
            self._stall_link,
            self._double_frames,
            self._slow_disk,
            self._fill_disk,
            self._slow_network,
        ]
        of_machines = [
            self._crash_agent,
            self._crash_agent,
            self._shut_agent_down,
            self._pause_agent,
            self._lose_machine,
            self._lose_machine,
            self._cut_machine_off,
            self._cut_all_machines_off,
            self._cut_one_way,
            self._cut_from_one,
            self._mute_machine,
            self._lose_answers,
            self._slow_calls,
            self._silence_engine,
            self._fill_machine_disk,
            self._remove_container,
            self._set_clock,
            self._replace_machine,
        ]
        return [*rng.sample(of_managers, 4), *rng.sample(of_machines, 8)]

    def heal(self) -> None:
        """Repair everything, and start what is dead."""
        super().heal()
        self._network_of_calls.heal_all()
        self._network_of_calls.delay_s = self._usual_call_delay_s
        for machine in self._machines:
            machine.disk.full = False
            machine.engine.up = True
            machine.engine.silent_calls.clear()
            machine.boot()

    async def _crash_agent(self) -> None:
        machine = self._any_machine()
        self._did(f"crash-agent {machine.name}")
        machine.crash()
        await self._a_while(0.0, 5.0)
        self._boot(machine)

    async def _shut_agent_down(self) -> None:
        machine = self._any_machine()
        self._did(f"shut-agent-down {machine.name}")
        machine.shut_down()
        await self._a_while(0.1, 8.0)
        self._boot(machine)

    async def _pause_agent(self) -> None:
        machine = self._any_machine()
        self._did(f"pause-agent {machine.name}")
        machine.pause(self._rng.uniform(0.2, 5.0))

    async def _lose_machine(self) -> None:
        machine = self._any_machine()
        wiped = self._rng.random() < 0.3
        self._did(f"lose-machine {machine.name}{' with its containers' if wiped else ''}")
        machine.lose_power(wiped=wiped)
        await self._a_while(0.3, 8.0)
        self._boot(machine)

    async def _cut_machine_off(self) -> None:
        machine = self._any_machine().name
        self._did(f"cut-machine-off {machine}")
        pairs = [pair for name in self._cluster.names for pair in ((name, machine), (machine, name))]
        await self._cut_calls(pairs)

    async def _cut_all_machines_off(self) -> None:
        self._did("cut-all-machines-off")
        names = self._cluster.names
        machines = [machine.name for machine in self._machines]
        await self._cut_calls([pair for m in machines for name in names for pair in ((name, m), (m, name))])

    async def _cut_one_way(self) -> None:
        machine = self._any_machine().name
        inwards = self._rng.random() < 0.5
        self._did(f"cut-one-way {machine} {'in' if inwards else 'out'}")
        names = self._cluster.names
        await self._cut_calls([(name, machine) if inwards else (machine, name) for name in names])

    async def _cut_from_one(self) -> None:
        machine = self._any_machine().name
        manager = self._rng.choice(self._cluster.names)
        self._did(f"cut-from-one {machine}-{manager}")
        await self._cut_calls([(manager, machine), (machine, manager)])

    async def _mute_machine(self) -> None:
        """Nothing that the agent begins gets out, and one manager reaches it no more: the others still do."""
        machine = self._any_machine().name
        manager = self._rng.choice(self._cluster.names)
        self._did(f"mute-machine {machine}-{manager}")
        self._network_of_calls.mute[machine] = None
        await self._cut_calls([(manager, machine), (machine, manager)])
        self._network_of_calls.mute.pop(machine, None)

    async def _lose_answers(self) -> None:
        self._did("lose-answers")
        self._network_of_calls.lost_answers = self._rng.choice([0.1, 0.5])
        await self._a_while(0.5, 5.0)
        self._network_of_calls.lost_answers = 0.0

    async def _slow_calls(self) -> None:
        slowest = self._rng.choice([0.05, 0.5, 2.0])
        self._did(f"slow-calls {slowest}")
        self._network_of_calls.delay_s = (slowest / 10, slowest)
        await self._a_while(0.5, 4.0)
        self._network_of_calls.delay_s = self._usual_call_delay_s

    async def _silence_engine(self) -> None:
        machine = self._any_machine()
        call = self._rng.choice(["", "", "stop", "run", "list", "inspect", "remove", "create"])
        self._did(f"silence-engine {machine.name} {call}")
        if call:
            machine.engine.silent_calls.add(call)
        else:
            machine.engine.up = False
        await self._a_while(0.5, 6.0)
        machine.engine.up = True
        machine.engine.silent_calls.discard(call)

    async def _fill_machine_disk(self) -> None:
        machine = self._any_machine()
        self._did(f"fill-machine-disk {machine.name}")
        disk = machine.disk
        disk.full = True
        await self._a_while(0.5, 4.0)
        disk.full = False

    async def _remove_container(self) -> None:
        machine = self._any_machine()
        tasks = [container.task_id for container in machine.engine.containers.values()]
        if tasks:
            self._did(f"remove-container {machine.name}")
            machine.engine.vanish(self._rng.choice(tasks))

    async def _set_clock(self) -> None:
        self._did("set-clock")
        self._rng.choice(self._clocks).jump_ms = self._rng.randint(-20_000, 20_000)

    async def _replace_machine(self) -> None:
        """A machine dies for good; somebody removes its node, and another takes its name."""
        if self._out_of_service:
            return
        machine = self._any_machine()
        self._did(f"replace-machine {machine.name}")
        self._out_of_service[machine.name] = None
        machine.lose_power(wiped=True)
        write = Write(f"rm-{machine.name}-{self.counts['replace-machine']}", "remove-node", machine.name)
        removed = False
        for attempt in range(100):
            await self._a_while(0.3, 1.0)
            body = msgspec.msgpack.encode(msgspec.structs.replace(write, key=f"{write.key}-{attempt}"))
            manager = self._rng.choice(self._cluster.names)
            try:
                await self._network_of_calls.call("client", manager, "write", body, timeout_s=3.0)
            except NotFound:
                removed = True
            except (Silence, OkubeError):
                continue
            else:
                removed = True
            break
        if removed:
            machine.make_anew()
        del self._out_of_service[machine.name]
        self._boot(machine)

    async def _cut_calls(self, pairs: list[tuple[str, str]]) -> None:
        for pair in pairs:
            self._network_of_calls.cut(*pair)
        await self._a_while(0.3, 8.0)
        for pair in pairs:
            self._network_of_calls.heal(*pair)

    def _boot(self, machine: Machine) -> None:
        if machine.process is None and machine.name not in self._out_of_service:
            self._note(f"boot {machine.name}")
            machine.boot()

    def _any_machine(self) -> Machine:
        return self._rng.choice(self._machines)
