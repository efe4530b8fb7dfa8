"""Load from Debian's ``wrk``, a compiled client: a Python one would be what is measured.

It runs on a host of its own. A manager lets one client have so many requests under way, and a client is a name at an
address; so the connections come from eight addresses, in turn, by address translation on the load's host.
"""

import os
import subprocess
from pathlib import Path

import msgspec
import psutil

from tests.bench.raft.system import MEMBERS, THINGS, System
from tests.lab.hosts import Hosts

__all__ = ["HOST", "Figures", "run_load", "spread_addresses"]

HOST = "load"
_ADDRESSES = 8
_SCRIPT = Path(__file__).with_name("load.lua")


class Figures(msgspec.Struct, frozen=True):
    """What one run of ``wrk`` saw, and what it cost the members."""

    requests_s: float
    p50_ms: float
    p99_ms: float
    cpu_s_per_1000_changes: float
    changes: int

    @property
    def changes_s(self) -> float:
        return self.requests_s * self.changes


class _Summary(msgspec.Struct, frozen=True):
    """The last line that the script prints."""

    requests: int
    duration_us: int
    refused: int
    broken: int
    timed_out: int
    p50_us: int
    p99_us: int


def spread_addresses(hosts: Hosts) -> None:
    """Give the load's host its addresses, and have its connections take them in turn."""
    network = hosts.addresses[HOST].rpartition(".")[0]
    spare = [f"{network}.{200 + number}" for number in range(_ADDRESSES)]
    for place, address in enumerate(spare):
        _run(hosts.command(HOST, "ip", "addr", "add", f"{address}/24", "dev", "e0"))
        every = ("-m", "statistic", "--mode", "nth", "--every", str(_ADDRESSES - place), "--packet", "0")
        rule = ("-t", "nat", "-A", "POSTROUTING", *every, "-j", "SNAT", "--to-source", address)
        _run(hosts.command(HOST, "iptables", *rule))


def run_load(system: System, hosts: Hosts, *, run: str, connections: int, changes: int, seconds: float) -> Figures:
    """Load the leader; refused and broken requests count as nothing, and many of them stop the bench."""
    threads = 1 if connections == 1 else 2
    env = {
        **os.environ,
        **system.load,
        "LOAD_TO": system.name,
        "LOAD_RUN": run,
        "LOAD_CHANGES": str(changes),
        "LOAD_THINGS": str(THINGS),
    }
    how = [f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    command = hosts.command(HOST, "wrk", *how, system.url(system.leader()))
    before = _cpu_s(system)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds + 60, check=False)
    cpu_s = _cpu_s(system) - before
    if done.returncode:
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
    found = msgspec.json.decode(done.stdout.splitlines()[-1], type=_Summary)
    good = found.requests - found.refused
    if good <= 0 or found.refused + found.broken + found.timed_out > 0.01 * found.requests:
        raise RuntimeError(f"{system.name} refused or broke too much: {found}\n{done.stdout}{done.stderr}")
    return Figures(
        requests_s=good / (found.duration_us / 1e6),
        p50_ms=found.p50_us / 1e3,
        p99_ms=found.p99_us / 1e3,
        cpu_s_per_1000_changes=1000 * cpu_s / (good * changes),
        changes=changes,
    )


def _cpu_s(system: System) -> float:
    """User and system time of all members."""
    times = [psutil.Process(system.pid(member)).cpu_times() for member in MEMBERS]
    return float(sum(each.user + each.system for each in times))


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
