from okube.raft.catchup import CatchUp


def test_a_learner_votes_once_the_last_bit_took_less_than_the_patience() -> None:
    catch_up = CatchUp(0.5)
    assert not catch_up.has_caught_up("m4", match_index=0, last_index=1000, now=0.0)
    assert not catch_up.has_caught_up("m4", match_index=999, last_index=1500, now=3.0)
    assert not catch_up.has_caught_up("m4", match_index=1000, last_index=1600, now=4.0)  # it took 4 s: once more
    assert not catch_up.has_caught_up("m4", match_index=1599, last_index=1650, now=4.2)
    assert catch_up.has_caught_up("m4", match_index=1600, last_index=1660, now=4.3)


def test_another_learner_begins_anew() -> None:
    catch_up = CatchUp(0.5)
    catch_up.has_caught_up("m4", match_index=0, last_index=10, now=0.0)
    assert not catch_up.has_caught_up("m5", match_index=10, last_index=20, now=0.1)
    catch_up.forget()
    assert not catch_up.has_caught_up("m5", match_index=20, last_index=30, now=0.2)
