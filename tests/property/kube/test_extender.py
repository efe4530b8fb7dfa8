"""What the extender keeps from one call to the next changes no answer."""

from hypothesis import given
from hypothesis import strategies as st

from okube.kube.extender import Extender
from okube.kube.protocol import Pod
from tests.unit.kube.builders import a_pod, about, an_extender

NODES = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c"}
CALLS = {
    "web": ({"service": "db", "max_latency": "1ms"},),
    "gateway": ({"service": "web", "max_latency": "1ms"}, {"service": "db", "traffic": "50M"}),
    "db": (),
}
changes = st.lists(
    st.tuples(st.sampled_from(sorted(CALLS)), st.integers(0, 2), st.sampled_from([*NODES, ""])), max_size=12
)


def pods_of(services: str, number: int, node: str) -> Pod:
    return a_pod(services, *CALLS[services], node=node, name=f"{services}-{number}")


def answers(extender: Extender) -> list[object]:
    asked = [about(a_pod(service, *calls, name=f"{service}-new"), *NODES) for service, calls in CALLS.items()]
    return [answer for args in asked for answer in (extender.filter(args), extender.prioritize(args))]


@given(changes)
def test_an_extender_that_has_seen_changes_answers_as_one_that_has_just_begun(
    changes: list[tuple[str, int, str]],
) -> None:
    extender, there = an_extender(NODES), {}
    for service, number, node in changes:
        pod = pods_of(service, number, node)
        extender.account.put(pod)  # on no node: it is gone
        there[pod.key] = pod
        assert answers(extender) == answers(an_extender(NODES, *there.values()))
