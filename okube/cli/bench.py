"""``okube bench``: what a cluster bears, measured on this machine with managers made for it."""

import json
from pathlib import Path

import click

from okube.cli.exits import Ended
from okube.cli.lazy import LazyGroup
from okube.cli.options import examples
from okube.model.errors import OkubeError

__all__ = ["bench"]


@click.group(cls=LazyGroup, epilog=examples("okube bench fleet --nodes 100 --tasks 1000\nokube bench million"))
def bench() -> None:
    """Measure what a cluster bears. The managers are made for it, and removed; no other cluster is touched."""


@bench.command(
    epilog=examples("""
okube bench fleet --nodes 100 --tasks 1000
okube bench fleet --nodes 1000 --tasks 10000 --seconds 300
""")
)
@click.option("--nodes", type=click.IntRange(1, 50_000), default=1000, show_default=True, help="Simulated agents.")
@click.option("--tasks", type=click.IntRange(0), default=10_000, show_default=True, help="What they are to run.")
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True, help="How long to watch them.")
@click.option(
    "--kill-leader/--no-kill-leader", default=True, show_default=True, help="Kill the leader after half of that."
)
@click.option(
    "--agent-processes", type=click.IntRange(1, 64), default=1, show_default=True, help="So many share the agents."
)
def fleet(nodes: int, tasks: int, seconds: float, kill_leader: bool, agent_processes: int) -> None:
    """Simulated agents at three real managers: what heartbeats cost, and what the loss of the leader costs.

    The agents are Okube's own, with certificates and sockets, and without containers. The last line is JSON.
    """
    from okube.bench.fleet import FleetOptions, bench_fleet

    options = FleetOptions(
        nodes=nodes, tasks=tasks, seconds=seconds, kill_leader=kill_leader, agent_processes=agent_processes
    )
    try:
        figures = bench_fleet(options, click.echo)
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    click.echo(json.dumps({name: round(value, 3) for name, value in figures.items()}))


@bench.command(
    epilog=examples("""
okube bench million
okube bench million --nodes 500 --services 100
""")
)
@click.option("--nodes", type=click.IntRange(1, 50_000), default=5000, show_default=True, help="Simulated nodes.")
@click.option("--services", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="How many to submit.")
@click.option("--each", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Tasks of each.")
@click.option("--folder", type=click.Path(path_type=Path), help="Made, and left with the managers' logs in it.")
def million(nodes: int, services: int, each: int, folder: Path | None) -> None:
    """A million tasks at three real managers: submitted, placed, and applied by all three.

    The leader stands in for the agents, so that what is measured is the managers alone. The last line is JSON.
    """
    from okube.bench.million import MillionOptions, bench_million

    options = MillionOptions(nodes=nodes, services=services, each=each, folder=folder)
    try:
        figures = bench_million(options, click.echo)
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    click.echo(json.dumps({name: round(value, 3) for name, value in figures.items()}))
