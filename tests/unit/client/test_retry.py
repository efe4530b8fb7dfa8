import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from okube.client.answer import Answer
from okube.client.attempt import Request
from okube.client.memory import FileMemory
from okube.client.race import Pace
from okube.client.retry import Caller, Patience
from okube.model.errors import NoQuorum, OutcomeUnknown, Unreachable
from tests.unit.client.playing import (
    TOKEN,
    Certificates,
    Hanging,
    Manager,
    Received,
    Reply,
    no_leader,
    nobody,
    problem,
)

Play = Callable[..., Manager]
Make = Callable[..., Caller]
READ = Request("GET", "/v1/services")
WRITE = Request("POST", "/v1/services", (("Idempotency-Key", "k1"),), b"{}")
PATIENT = Patience(deadline_s=20.0, refused_s=20.0)
BRIEF = Patience(deadline_s=0.4, refused_s=0.0)


def fine(_: Received) -> Reply:
    return Reply(200, [])


def test_a_manager_answers(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(200, [1], {"Okube-Revision": "7"}))
    answer = caller(manager.address).call(READ, PATIENT)
    assert (answer.status, answer.json(), answer.headers["okube-revision"]) == (200, [1], "7")


def test_one_at_which_nothing_listens_is_passed_over(play: Play, caller: Make) -> None:
    manager = play(fine)
    assert caller(nobody(), nobody(), manager.address).call(READ, PATIENT).manager == manager.address


def test_one_that_hangs_does_not_hold_the_call(play: Play, caller: Make, hanging: Hanging) -> None:
    manager = play(fine)
    assert caller(hanging.address, manager.address).call(READ, PATIENT).manager == manager.address


def test_one_that_hangs_after_it_let_us_in_does_not_hold_the_call(play: Play, caller: Make) -> None:
    release = threading.Event()

    def stuck(_: Received) -> Reply:
        release.wait(30)
        return Reply(200, [])

    stuck_one, manager = play(stuck), play(fine)
    answer = caller(stuck_one.address, manager.address).call(READ, PATIENT)
    release.set()
    assert answer.manager == manager.address


def test_while_a_manager_works_on_a_request_the_others_are_left_alone(play: Play, caller: Make) -> None:
    asked = threading.Semaphore(0)

    def slow(_: Received) -> Reply:
        asked.release()
        return Reply(200, [asked.acquire(timeout=0.1) and asked.acquire(timeout=0.1)])  # longer than the hedge

    pace = Pace(hedge_s=0.01, patience_s=10.0)
    answer = caller(*(play(slow).address for _ in range(3)), pace=pace).call(READ, PATIENT)
    assert answer.json() == [False], "two managers were asked"


def test_the_manager_that_answered_is_asked_first_from_then_on(play: Play, caller: Make) -> None:
    manager = play(fine)
    dead = play(fine)
    dead.stop()
    one = caller(dead.address, manager.address)
    for _ in range(3):
        one.call(READ, PATIENT)
    assert manager.connections == 1, "the connection is kept between calls"


def test_the_next_command_remembers_it_too(play: Play, caller: Make, tmp_path: Path) -> None:
    first, second = play(fine), play(fine)
    for order in ((nobody(), second.address), (first.address, second.address)):
        one = caller(*order, memory=FileMemory(tmp_path / "last"))
        assert one.call(READ, PATIENT).manager == second.address


def test_a_kept_connection_that_broke_meanwhile_is_made_anew(play: Play, caller: Make) -> None:
    manager = play(fine)
    one = caller(manager.address)
    one.call(READ, PATIENT)
    manager.drop_connections()
    assert one.call(READ, PATIENT).status == 200
    assert manager.connections == 2


def test_a_failover_is_survived_by_itself(play: Play, caller: Make) -> None:
    answers = [no_leader(), problem(504, "outcome-unknown", "the leader went away"), no_leader(), Reply(201, {"a": 1})]
    manager = play(lambda _: answers.pop(0))
    assert caller(manager.address).call(WRITE, PATIENT).status == 201


def test_all_tries_of_a_write_bear_one_key(play: Play, caller: Make) -> None:
    counts: list[str] = []

    def flaky(received: Received) -> Reply:
        counts.append(received.key or "")
        return Reply(201, {}) if len(counts) > 4 else no_leader()

    managers = [play(flaky), play(flaky)]
    caller(*(m.address for m in managers)).call(WRITE, PATIENT)
    assert counts == ["k1"] * 5
    assert all(r.body == b"{}" for m in managers for r in m.received)


def test_a_manager_that_dies_in_its_answer_is_replaced_by_another(play: Play, caller: Make) -> None:
    cut_off = play(lambda _: Reply(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"name"'))
    manager = play(lambda _: Reply(200, ["whole"]))
    assert caller(cut_off.address, manager.address).call(READ, PATIENT).json() == ["whole"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 64,
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_garbage_is_passed_over_and_told(play: Play, caller: Make, garbage: bytes) -> None:
    odd, manager = play(lambda _: Reply(raw=garbage)), play(fine)
    assert caller(odd.address, manager.address).call(READ, PATIENT).manager == manager.address
    with pytest.raises(Unreachable) as raised:
        caller(odd.address).call(READ, BRIEF)
    assert [e.path for e in raised.value.errors] == [str(odd.address)]


def test_a_server_of_another_cluster_is_not_believed(
    play: Play, caller: Make, foreign_certificates: Certificates
) -> None:
    foreign = play(fine, foreign_certificates)
    with pytest.raises(Unreachable) as raised:
        caller(foreign.address).call(READ, BRIEF)
    assert "not of this cluster's CA" in raised.value.errors[0].message
    assert foreign.received == []


def test_a_certificate_of_another_cluster_is_refused_with_the_reason(
    play: Play, caller: Make, certificates: Certificates, foreign_certificates: Certificates, tmp_path: Path
) -> None:
    mixed = Certificates(tmp_path / "mixed")
    for name in ("admin.crt", "admin.key"):
        (mixed.admin / name).write_bytes((foreign_certificates.admin / name).read_bytes())
    (mixed.admin / "ca.crt").write_bytes((certificates.admin / "ca.crt").read_bytes())
    manager = play(fine)
    with pytest.raises(Unreachable) as raised:
        caller(manager.address, own=mixed).call(READ, BRIEF)
    assert "believe the client certificate" in raised.value.errors[0].message


def test_a_token_is_sent_in_place_of_the_certificate(play: Play, caller: Make) -> None:
    manager = play(fine)
    caller(manager.address, token=TOKEN).call(READ, PATIENT)
    assert manager.received[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_where_nobody_listens_the_call_ends_before_its_deadline(caller: Make) -> None:
    slept: list[float] = []
    one = caller(nobody(), nobody(), sleep=slept.append)
    with pytest.raises(Unreachable) as raised:
        one.call(READ, Patience(deadline_s=3600.0, refused_s=0.0))
    assert slept == []
    assert all("connection refused" in e.message for e in raised.value.errors)
    assert len(raised.value.errors) == 2


def test_managers_without_a_leader_are_no_quorum(play: Play, caller: Make) -> None:
    manager = play(no_leader)
    with pytest.raises(NoQuorum) as raised:
        caller(manager.address, nobody(), **_pauses_in_no_time()).call(READ, PATIENT)
    assert {e.message for e in raised.value.errors} == {
        "there is no leader now",
        "nothing listens there (connection refused)",
    }


def test_a_write_that_broke_off_is_of_unknown_outcome(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(raw=b""))
    with pytest.raises(OutcomeUnknown):
        caller(manager.address).call(WRITE, BRIEF)


def test_a_write_that_was_turned_away_is_not_tried_again_with_too_little_time_left(play: Play, caller: Make) -> None:
    release = threading.Event()
    answers = [no_leader()]

    def then_stuck(_: Received) -> Reply:
        if answers:
            return answers.pop()
        release.wait(30)
        return Reply(200, [])

    manager = play(then_stuck)
    with pytest.raises(NoQuorum):
        caller(manager.address).call(WRITE, Patience(deadline_s=1.0, refused_s=1.0, last_try_s=1.0))
    release.set()


def test_a_write_that_every_manager_turned_away_was_surely_not_done(play: Play, caller: Make) -> None:
    with pytest.raises(NoQuorum):
        caller(play(no_leader).address).call(WRITE, BRIEF)


def test_a_refusal_is_an_answer_and_not_retried(play: Play, caller: Make) -> None:
    manager = play(lambda _: problem(409, "conflict", "the name is taken"))
    answer: Answer = caller(manager.address).call(WRITE, PATIENT)
    assert answer.status == 409
    assert len(manager.received) == 1


def test_pauses_between_rounds_grow_and_stay_within_a_second(play: Play, caller: Make) -> None:
    answers = [no_leader()] * 12 + [Reply(200, [])]
    slept: list[float] = []
    manager = play(lambda _: answers.pop(0))
    caller(manager.address, sleep=slept.append).call(READ, PATIENT)
    assert len(slept) == 12
    assert slept[0] <= 0.05
    assert max(slept) <= 1.0
    assert slept[-1] > slept[0]


def test_it_can_be_asked_whether_one_manager_lives(play: Play, caller: Make, hanging: Hanging) -> None:
    manager = play(lambda _: Reply(200, {}))
    one = caller(manager.address)
    assert one.lives(manager.address)
    assert not one.lives(hanging.address)
    assert not one.lives(nobody())


def test_a_request_without_a_key_goes_on_only_where_nothing_has_begun(play: Play, caller: Make) -> None:
    manager, turned_away = play(fine), play(no_leader)
    answer = caller(nobody(), turned_away.address, manager.address).open_once(READ, BRIEF)
    assert answer.manager == manager.address
    answer.close()


def test_a_request_without_a_key_is_not_repeated_once_a_manager_has_it(play: Play, caller: Make) -> None:
    taken, other = play(lambda _: Reply(raw=b"")), play(fine)
    with pytest.raises(OutcomeUnknown):
        caller(taken.address, other.address).open_once(READ, PATIENT)
    assert other.received == []


def _pauses_in_no_time() -> dict[str, Callable[..., float | None]]:
    """A clock and a sleep of a caller: what is slept passes at once, and what takes time takes it."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    return {"monotonic": lambda: time.monotonic() + slept[0], "sleep": sleep}
