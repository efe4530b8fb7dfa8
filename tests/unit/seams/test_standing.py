"""How the kernel treats managers, agents and what is not of Okube."""

import subprocess
import sys

import pytest

from okube.seams.standing import AGENT, MANAGER, Standing

_SHOW = "import os; print(open('/proc/self/oom_score_adj').read().strip(), os.getpriority(os.PRIO_PROCESS, 0))"


def _standing_after(*lines: str) -> list[int]:
    script = "\n".join(("from okube.seams.standing import AGENT, MANAGER, Standing, take", *lines, _SHOW))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize(("name", "standing"), [("MANAGER", MANAGER), ("AGENT", AGENT)])
def test_a_process_takes_its_standing_where_it_may(name: str, standing: Standing) -> None:
    before = _standing_after()
    after = _standing_after(f"take({name})")
    assert after[0] in (standing.oom_score_adj, before[0])  # the latter without rights
    assert after[1] in (standing.nice, before[1])


def test_nobody_loses_by_taking_a_standing() -> None:
    after = _standing_after("take(MANAGER)", "take(AGENT)", "take(Standing(500, 19))")
    assert after == _standing_after("take(MANAGER)")


def test_managers_are_spared_before_agents_and_agents_before_all_else() -> None:
    assert MANAGER.oom_score_adj < AGENT.oom_score_adj < 0
    assert MANAGER.nice < AGENT.nice < 0


@pytest.mark.parametrize(("name", "opens_more"), [("MANAGER", True), ("AGENT", False)])
def test_a_manager_may_open_as_many_files_as_it_can_be_allowed_and_what_agents_start_is_left_alone(
    name: str, opens_more: bool
) -> None:
    script = (
        "import resource; from okube.seams.standing import AGENT, MANAGER, take\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))\n"
        f"take({name}); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 64)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(opens_more)


@pytest.mark.parametrize("name", ["MANAGER", "AGENT"])
def test_a_process_leaves_no_core_and_what_it_starts_may_ask_for_one_again(name: str) -> None:
    script = (
        "import ctypes, resource; from okube.seams.standing import AGENT, MANAGER, take\n"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
        f"take({name}); print(resource.getrlimit(resource.RLIMIT_CORE) == (0, hard), ctypes.CDLL(None).prctl(3))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
