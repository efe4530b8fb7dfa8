"""From a command to running containers: ``okube run`` against ``docker run``, in turns, on the same engine."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from tests.bench.site import Site

__all__ = ["bursts", "commands", "single_starts"]

_BURST = 50
_AT_ONCE = 8


def single_starts(site: Site, *, pairs: int) -> dict[str, float]:
    """One container: from the start of the command to the engine's event, and to the end of the command."""
    times: dict[str, list[float]] = {"docker": [], "okube": [], "docker_done": [], "okube_done": []}

    def docker(number: int) -> None:
        name = f"one-docker-{number}"
        began = time.time()
        site.docker_run(name)
        times["docker_done"].append(time.time() - began)
        times["docker"].append(site.starts.wait("bench", name)[0].at_s - began)
        site.docker("rm", "-f", name)

    def okube(number: int) -> None:
        name = f"one-okube-{number}"
        began = time.time()
        site.okube_run(name)
        times["okube_done"].append(time.time() - began)
        times["okube"].append(site.starts.wait("okube.service", name)[0].at_s - began)
        site.cluster.ok("rm", name)

    _in_turns(docker, okube, pairs)
    middle = {what: median(found) for what, found in times.items()}
    return {
        "run_ratio": middle["okube"] / middle["docker"],
        "run_command_ratio": middle["okube_done"] / middle["docker_done"],
        "run_s": middle["okube"],
        "run_command_s": middle["okube_done"],
        "docker_run_s": middle["docker"],
    }


def bursts(site: Site, *, pairs: int) -> dict[str, float]:
    """Fifty containers: one ``okube run --replicas 50`` against fifty ``docker run -d``, eight in parallel."""
    times: dict[str, list[float]] = {"docker": [], "okube": []}

    def docker(number: int) -> None:
        names = [f"burst-docker-{number}-{n}" for n in range(_BURST)]
        began = time.time()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(site.docker_run, names))
        times["docker"].append(max(site.starts.wait("bench", name)[0].at_s for name in names) - began)
        site.docker("rm", "-f", *names)

    def okube(number: int) -> None:
        name = f"burst-okube-{number}"
        began = time.time()
        site.okube_run(name, "--replicas", str(_BURST))
        found = site.starts.wait("okube.service", name, count=_BURST)
        times["okube"].append(found[_BURST - 1].at_s - began)
        site.cluster.ok("rm", name)

    _in_turns(docker, okube, pairs)
    return {
        "burst50_ratio": median(times["okube"]) / median(times["docker"]),
        "burst50_s": median(times["okube"]),
        "docker_burst50_s": median(times["docker"]),
    }


def commands(site: Site, *, rounds: int) -> dict[str, float]:
    """How long ``okube ps`` takes."""
    return {"ps_s": median(site.cluster.ok("ps").took_s for _ in range(rounds))}


def _in_turns(first: Callable[[int], None], second: Callable[[int], None], pairs: int) -> None:
    """Each pair swaps who begins, so that neither always meets what the other left behind."""
    for number in range(pairs):
        order = (first, second) if number % 2 else (second, first)
        for measure in order:
            measure(number)
