from okube.raft.leadership import Leadership


class Source:
    def __init__(self) -> None:
        self.become(1, None, leads=False, ready=False)

    def become(self, term: int, leader: str | None, *, leads: bool, ready: bool) -> None:
        self.term, self.leader, self.is_leader, self.is_ready_leader = term, leader, leads, ready


def watched() -> tuple[Source, Leadership, list[int | None]]:
    source, told = Source(), list[int | None]()
    return source, Leadership(source, [told.append]), told


def test_leadership_is_told_when_it_may_be_acted_on() -> None:
    source, leadership, told = watched()
    source.become(2, "m1", leads=True, ready=False)
    leadership.look()
    assert told == []
    source.become(2, "m1", leads=True, ready=True)
    leadership.look()
    leadership.look()
    assert told == [2]


def test_the_loss_is_told_even_if_it_never_was_ready() -> None:
    source, leadership, told = watched()
    source.become(2, "m1", leads=True, ready=False)
    leadership.look()
    source.become(3, "m2", leads=False, ready=False)
    leadership.look()
    assert told == [None]


def test_between_two_terms_of_one_leader_there_is_a_loss() -> None:
    source, leadership, told = watched()
    for term in (2, 5):
        source.become(term, "m1", leads=True, ready=True)
        leadership.look()
    assert told == [2, None, 5]


def test_a_member_that_ends_leads_no_longer() -> None:
    source, leadership, told = watched()
    source.become(2, "m1", leads=True, ready=True)
    leadership.look()
    leadership.end()
    leadership.end()
    assert told == [2, None]
