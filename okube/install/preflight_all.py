"""What no single machine shows: machines that are mistaken for each other, and clocks that differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from okube.install.facts import Facts
from okube.install.findings import Finding
from okube.install.inventory import Machine

__all__ = ["CLOCK_ERROR_S", "CLOCK_WARNING_S", "check_together", "clock_ahead"]

CLOCK_WARNING_S = 2.0
CLOCK_ERROR_S = 30.0
_RENEW = (
    "on one of them run 'rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup', and reboot it; "
    "or, if it is one machine at two addresses, give its entries the same host"
)


def clock_ahead(sent_s: float, began_s: float, ended_s: float, received_s: float) -> float:
    """By how many seconds a machine's clock is ahead of ours, at least: what a slow answer explains is none of it.

    Args:
        sent_s: when it was asked, by our clock.
        began_s: when it began to answer, by its clock.
        ended_s: when it had the answer, by its clock.
        received_s: when we had the answer, by our clock.
    """
    least, most = ended_s - received_s, began_s - sent_s
    return min(max(0.0, least), most) if least <= most else 0.0


def check_together(
    machines: Sequence[Machine], facts: Mapping[str, Facts], clocks: Mapping[str, float]
) -> list[Finding]:
    """What is wrong between machines.

    Args:
        machines: those of the cluster.
        facts: of each that answers, by host.
        clocks: by how many seconds each machine's clock is ahead of the one of the machine that installs.
    """
    there = [machine for machine in machines if machine.host in facts]
    return [*_same_id(there, facts), *_same_name(there, facts), *_clocks(there, clocks)]


def _same_id(machines: Sequence[Machine], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    for machine_id, those in _grouped(machines, lambda machine: facts[machine.host].machine_id):
        if not machine_id.strip("0"):
            for machine in those:
                yield Finding.warning(
                    machine.host,
                    "it has no machine-id, so a copy of it cannot be told from it",
                    "systemd-machine-id-setup",
                )
        elif len(those) > 1:
            yield Finding.error("", f"{_hosts(those)} have the same /etc/machine-id", _RENEW)


def _same_name(machines: Sequence[Machine], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    for name, those in _grouped(machines, lambda machine: facts[machine.host].hostname):
        if len(those) > 1:
            yield Finding.warning(
                "", f"{_hosts(those)} are all named {name}", "Okube goes by cluster.yaml; people would mix them up"
            )


def _clocks(machines: Sequence[Machine], clocks: Mapping[str, float]) -> Iterator[Finding]:
    if not machines:
        return
    usual = median([*(clocks[machine.host] for machine in machines), 0.0])
    if abs(usual) > CLOCK_ERROR_S:
        yield Finding.error("", f"the clock of this machine is {_apart(-usual)}", "set it, and have NTP keep it right")
    for machine in machines:
        apart = clocks[machine.host] - usual
        if abs(apart) > CLOCK_ERROR_S:
            yield Finding.error(
                machine.host, f"its clock is {_apart(apart)}", "set it: certificates would not be believed; use NTP"
            )
        elif abs(apart) > CLOCK_WARNING_S:
            yield Finding.warning(machine.host, f"its clock is {_apart(apart)}", "have NTP keep it right")


def _apart(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the others'"


def _grouped(machines: Sequence[Machine], key: Callable[[Machine], str]) -> Iterator[tuple[str, list[Machine]]]:
    found: dict[str, list[Machine]] = {}
    for machine in machines:
        found.setdefault(key(machine), []).append(machine)
    yield from found.items()


def _hosts(machines: Sequence[Machine]) -> str:
    hosts = [machine.host for machine in machines]
    return f"{', '.join(hosts[:-1])} and {hosts[-1]}"
