"""What holds for any silence, whoever called and whatever they found."""

from hypothesis import given
from hypothesis import strategies as st

from okube.manager.suspicion import Limits, Silence, plan_liveness

LIMITS = Limits(down_after_s=3.0, heartbeat_s=1.0)
MANAGERS = ("m1", "m2", "m3")
reached = st.none() | st.dictionaries(st.sampled_from(MANAGERS), st.booleans())
silences = st.lists(
    st.builds(Silence, st.sampled_from([f"w{n}" for n in range(8)]), st.floats(2.0, 10.0), st.booleans(), reached),
    unique_by=lambda silence: silence.node,
)


@given(silences, st.integers(0, 20), st.sampled_from([0, 2]))
def test_only_nodes_that_nobody_reached_for_too_long_are_down(silent: list[Silence], more: int, others: int) -> None:
    if not others:
        silent = [s for s in silent if s.reached is None or set(s.reached) <= {"m1"}]
    plan = plan_liveness(silent, ready=len(silent) + more, leader="m1", others=others, limits=LIMITS)
    by_name = {silence.node: silence for silence in silent}
    for name in plan.down:
        silence = by_name[name]
        assert silence.silent_s > LIMITS.down_after_s
        assert silence.reached is not None
        assert not any(silence.reached.values())
        assert "m1" in silence.reached
        assert not plan.braked or not others or len(silence.reached) > 1


@given(silences, st.integers(0, 20))
def test_every_silent_node_is_in_one_list_at_most_and_none_is_forgotten(silent: list[Silence], more: int) -> None:
    plan = plan_liveness(silent, ready=len(silent) + more, leader="m1", others=2, limits=LIMITS)
    named = [*plan.call, *plan.alive, *plan.down]
    assert len(set(named)) == len(named)
    for silence in silent:
        overdue = silence.silent_s > LIMITS.down_after_s and not silence.asked
        assert not overdue or silence.node in named


@given(silences, st.integers(0, 20))
def test_an_agent_that_answers_anybody_is_never_down_whatever_else_is_known(silent: list[Silence], more: int) -> None:
    plan = plan_liveness(silent, ready=len(silent) + more, leader="m1", others=2, limits=LIMITS)
    answered = {s.node for s in silent if s.reached is not None and any(s.reached.values())}
    assert answered == set(plan.alive)
