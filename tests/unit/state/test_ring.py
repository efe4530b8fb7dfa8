import pytest

from okube.state.ring import Behind, Ring


def test_what_comes_after_a_revision_is_found_by_its_place() -> None:
    ring: Ring[str] = Ring(10, 100, 1000)
    for revision in (12, 13, 17):
        ring.add(revision, f"r{revision}", 1)
    assert [ring.at(place) for place in range(ring.place_after(12), ring.end)] == ["r13", "r17"]
    assert [ring.at(place) for place in range(ring.place_after(10), ring.end)] == ["r12", "r13", "r17"]
    assert ring.place_after(17) == ring.place_after(99) == ring.end


def test_what_is_older_than_the_ring_cannot_be_followed() -> None:
    ring: Ring[str] = Ring(10, 100, 1000)
    with pytest.raises(Behind):
        ring.place_after(9)


def test_the_oldest_go_by_number() -> None:
    ring: Ring[int] = Ring(0, 3, 1000)
    for revision in range(1, 6):
        ring.add(revision, revision, 1)
    assert (len(ring), ring.since) == (3, 2)
    assert ring.at(ring.place_after(2)) == 3
    with pytest.raises(Behind):
        ring.place_after(1)
    with pytest.raises(Behind):
        ring.at(1)


def test_the_oldest_go_by_size_but_never_the_newest() -> None:
    ring: Ring[int] = Ring(0, 100, 10)
    for revision, size in ((1, 4), (2, 4), (3, 4), (4, 99)):
        ring.add(revision, revision, size)
    assert (len(ring), ring.since) == (1, 3)
    ring.add(5, 5, 1)
    assert [ring.at(place) for place in range(ring.place_after(ring.since), ring.end)] == [5]
