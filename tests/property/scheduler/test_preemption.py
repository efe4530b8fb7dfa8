from hypothesis import given, settings
from hypothesis import strategies as st

from okube.scheduler.preemption import Holder, make_room

PORT = (80, "tcp")
_amounts = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3))


@st.composite
def holders(draw: st.DrawFn) -> list[Holder]:
    return [
        Holder(
            f"t{number}",
            draw(st.integers(-2, 4)),
            draw(_amounts),
            draw(st.sampled_from([frozenset(), frozenset({PORT})])) if number == 0 else frozenset(),
            draw(st.integers(0, 4)) == 0,
            draw(st.integers(0, 3)),
        )
        for number in range(draw(st.integers(0, 7)))
    ]


def enough(free: tuple[int, ...], asked: tuple[int, ...], gone: list[Holder]) -> bool:
    left = [amount + sum(holder.resources[kind] for holder in gone) for kind, amount in enumerate(free)]
    return all(wanted == 0 or there >= wanted for there, wanted in zip(left, asked, strict=True))


@settings(max_examples=300, deadline=None)
@given(_amounts, _amounts, st.booleans(), holders(), st.integers(-2, 4))
def test_what_gives_way_is_less_important_is_enough_and_none_of_it_goes_in_vain(
    free: tuple[int, int, int], asked: tuple[int, int, int], wants_port: bool, there: list[Holder], priority: int
) -> None:
    ports = frozenset({PORT}) if wants_port else frozenset()
    stopping = [holder for holder in there if holder.stopping]
    victims = make_room(free, asked, ports, there, priority)
    if victims is None:
        lower = [holder for holder in there if holder.priority < priority and not holder.stopping]
        blocked = any(h.ports & ports and not h.stopping and h.priority >= priority for h in there)
        assert blocked or not enough(free, asked, [*stopping, *lower])
        return
    assert all(victim.priority < priority and not victim.stopping for victim in victims)
    assert enough(free, asked, [*stopping, *victims])
    assert not any(h.ports & ports for h in there if h not in victims and not h.stopping)
    for victim in victims:
        others = [each for each in victims if each is not victim]
        assert victim.ports & ports or not enough(free, asked, [*stopping, *others])
