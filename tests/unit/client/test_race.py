import errno
import os
import threading
import time
from collections.abc import Callable

from okube.client.address import Address
from okube.client.answer import OpenAnswer
from okube.client.attempt import AttemptFailed, Request, resolve
from okube.client.credentials import SERVER_NAME
from okube.client.race import Outcome, Pace, race
from tests.unit.client.playing import QUICK, Certificates, Hanging, Manager, Received, Reply, nobody

Play = Callable[..., Manager]
READ = Request("GET", "/v1/services")


def _race(
    certificates: Certificates,
    *managers: Address,
    accept: Callable[[OpenAnswer], None] = lambda _: None,
    pace: Pace = QUICK,
    seconds: float = 20.0,
    resolver: Callable[[Address], list[tuple[int, tuple[object, ...]]]] = resolve,
) -> Outcome:
    outcome = race(
        READ,
        managers,
        certificates.credentials().context(),
        server_name=SERVER_NAME,
        deadline=time.monotonic() + seconds,
        monotonic=time.monotonic,
        accept=accept,
        pace=pace,
        resolver=resolver,
    )
    if outcome.answer is not None:
        outcome.answer.close()
    return outcome


def _winner(outcome: Outcome) -> Address:
    assert outcome.answer is not None
    return outcome.answer.manager


def fine(_: Received) -> Reply:
    return Reply(200, [])


def test_the_first_wins_where_all_are_well(play: Play, certificates: Certificates) -> None:
    first, second = play(fine), play(fine)
    outcome = _race(certificates, first.address, second.address, pace=Pace(hedge_s=10.0))
    assert _winner(outcome) == first.address
    assert second.connections == 0


def test_an_answer_that_is_not_accepted_sends_the_race_on(play: Play, certificates: Certificates) -> None:
    first, second = play(lambda _: Reply(503)), play(fine)

    def accept(answer: OpenAnswer) -> None:
        if answer.status == 503:
            raise AttemptFailed("no leader", not_done=True)

    outcome = _race(certificates, first.address, second.address, accept=accept)
    assert _winner(outcome) == second.address
    assert [(t.detail, t.sent) for t in outcome.troubles] == [("no leader", False)]


def test_each_manager_is_asked_at_most_once(play: Play, certificates: Certificates) -> None:
    def refuse(_: OpenAnswer) -> None:
        raise AttemptFailed("not this one")

    managers = [play(fine) for _ in range(3)]
    outcome = _race(certificates, *(m.address for m in managers), accept=refuse)
    assert outcome.answer is None
    assert [len(m.received) for m in managers] == [1, 1, 1]


def test_without_an_answer_the_race_ends_at_its_deadline(certificates: Certificates, hanging: Hanging) -> None:
    outcome = _race(certificates, hanging.address, seconds=0.1)
    assert [t.detail for t in outcome.troubles] == ["no answer in time"]


def test_one_that_does_not_let_us_in_has_failed_in_the_end(certificates: Certificates, hanging: Hanging) -> None:
    outcome = _race(certificates, hanging.address, pace=Pace(enter_s=0.1))
    assert "does not let us in" in outcome.troubles[0].detail


def test_one_that_takes_the_request_and_says_nothing_has_failed_in_the_end(
    play: Play, certificates: Certificates
) -> None:
    release = threading.Event()

    def silent(_: Received) -> Reply:
        release.wait(30)
        return Reply()

    manager = play(silent)
    outcome = _race(certificates, manager.address, pace=Pace(answer_s=0.1))
    release.set()
    assert "does not answer" in outcome.troubles[0].detail
    assert outcome.troubles[0].sent


def test_a_name_that_takes_long_to_look_up_does_not_hold_the_race(play: Play, certificates: Certificates) -> None:
    release = threading.Event()
    manager = play(fine)

    def slow(address: Address) -> list[tuple[int, tuple[object, ...]]]:
        if address.host == "slow.example.com":
            release.wait(30)
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return resolve(address)

    outcome = _race(certificates, Address("slow.example.com", 7101), manager.address, resolver=slow)
    release.set()
    assert _winner(outcome) == manager.address


def test_a_name_that_leads_nowhere_is_told(certificates: Certificates) -> None:
    def unknown(_: Address) -> list[tuple[int, tuple[object, ...]]]:
        raise OSError(-2, "Name or service not known")

    outcome = _race(certificates, Address("m1.example.com", 7101), resolver=unknown)
    assert "m1.example.com leads to no address" in outcome.troubles[0].detail
    assert outcome.troubles[0].refused


def test_every_address_of_a_name_is_tried(play: Play, certificates: Certificates) -> None:
    manager = play(fine)

    def both(_: Address) -> list[tuple[int, tuple[object, ...]]]:
        return [*resolve(nobody()), *resolve(manager.address)]

    name = Address("m1.example.com", 7101)
    assert _winner(_race(certificates, name, resolver=both)) == name
    assert len(manager.received) == 1
