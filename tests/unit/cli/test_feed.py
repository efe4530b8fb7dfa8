from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from okube.cli.feed import Change, Listed, News, Trouble, follow, poll
from okube.client.api import OkubeClient
from okube.client.retry import Patience
from okube.model.errors import Forbidden, NoQuorum
from tests.unit.cli.cluster import a_service
from tests.unit.cli.stream import Stream
from tests.unit.client.playing import QUICK, Behaviour, Certificates, Manager, new_caller, problem

Play = Callable[[Behaviour], Manager]
Row = dict[str, Any]


@pytest.fixture
def stream() -> Iterator[Stream]:
    one = Stream()
    one.put(a_service("web"))
    yield one
    one.end()


@pytest.fixture
def feed(play: Play, certificates: Certificates, stream: Stream) -> Iterator[Callable[..., Iterator[News]]]:
    """Follows the stream at two managers."""
    managers = [play(stream), play(stream)]
    with closing(OkubeClient(new_caller(certificates, *(m.address for m in managers), pace=QUICK))) as client:
        yield partial(follow, client, "services", (), tell=lambda _: None, sleep=lambda _: None)


def _told(news: News) -> tuple[str, ...]:
    if isinstance(news, Listed):
        return ("list", *(str(row["name"]) for row in news.rows))
    assert isinstance(news, Change)
    return (news.type, str(news.object["name"]), str(news.revision))


def _take(news: Iterator[News], count: int) -> list[tuple[str, ...]]:
    return [_told(next(news)) for _ in range(count)]


def test_first_comes_what_there_is_then_each_change(feed: Callable[..., Iterator[News]], stream: Stream) -> None:
    news = feed()
    assert _take(news, 1) == [("list", "web")]
    stream.put(a_service("db"))
    stream.put(a_service("web", 3))
    stream.delete("web")
    assert _take(news, 3) == [("put", "db", "12"), ("put", "web", "13"), ("delete", "web", "14")]
    news.close()  # type: ignore[attr-defined]


def test_a_stream_that_is_cut_after_every_line_tells_the_same(
    feed: Callable[..., Iterator[News]], stream: Stream
) -> None:
    stream.cut_after = 1
    news = feed()
    _take(news, 1)
    for number in range(20):
        stream.put(a_service(f"s{number}"))
    assert _take(news, 20) == [("put", f"s{n}", str(12 + n)) for n in range(20)]
    assert len(stream.opened) >= 20


def test_what_is_too_old_to_follow_is_read_again_and_only_the_difference_told(
    feed: Callable[..., Iterator[News]], stream: Stream
) -> None:
    stream.put(a_service("db"))
    stream.put(a_service("old"))
    news = feed()
    _take(news, 1)
    stream.cut_after = 0
    stream.put(a_service("db", 5))
    stream.delete("old")
    stream.forget()
    assert _take(news, 2) == [("delete", "old", "15"), ("put", "db", "15")]


def test_what_the_list_has_shown_is_not_told_again(feed: Callable[..., Iterator[News]], stream: Stream) -> None:
    news = feed()
    _take(news, 1)
    stream._say({"type": "put", "revision": 11, "object": stream.rows["web"]})
    stream.put(a_service("db"))
    assert _take(news, 1) == [("put", "db", "12")]
    stream.end()


def test_what_a_filter_of_our_own_leaves_out_is_told_as_gone(
    feed: Callable[..., Iterator[News]], stream: Stream
) -> None:
    stream.put(a_service("other", 9))
    news = feed(wanted=lambda row: row["replicas"] < 5)
    assert _take(news, 1) == [("list", "web")]
    stream.put(a_service("other", 8))
    stream.put(a_service("web", 7))
    stream.put(a_service("other", 1))
    assert _take(news, 2) == [("delete", "web", "14"), ("put", "other", "15")]
    stream.end()


def test_a_sum_that_changes_is_told_though_the_object_has_no_new_revision(
    feed: Callable[..., Iterator[News]], stream: Stream
) -> None:
    news = feed()
    _take(news, 1)
    stream._say({"type": "put", "revision": 12, "object": {**stream.rows["web"], "running": 1}})
    assert _take(news, 1) == [("put", "web", "12")]
    stream.end()


def test_when_nobody_answers_that_is_told_once_and_the_feed_goes_on(
    play: Play, certificates: Certificates, stream: Stream
) -> None:
    told: list[Trouble] = []
    manager = play(stream)

    def come_back(_: float) -> None:
        if len(told) == 1:
            manager.behave = stream
            stream.put(a_service("db"))

    brief = Patience(0.2, 0.1)
    caller = new_caller(certificates, manager.address)
    with closing(OkubeClient(caller, reads=brief, sleep=come_back)) as client:
        news = follow(client, "services", (), tell=told.append, sleep=come_back)
        assert _told(next(news)) == ("list", "web")
        manager.behave = lambda _: problem(503, "no-quorum", "there is no leader now", Retry_After="0")
        assert _told(next(news)) == ("put", "db", "12")
    assert ["no quorum" in told[0].sentence, told[1:]] == [True, [Trouble("")]]
    stream.end()


def test_a_refusal_ends_it(play: Play, certificates: Certificates) -> None:
    manager = play(lambda _: problem(403, "forbidden", "viewers may not do that"))
    with closing(OkubeClient(new_caller(certificates, manager.address))) as client, pytest.raises(Forbidden):
        next(follow(client, "services", (), tell=lambda _: None))


def test_what_cannot_be_followed_is_looked_at_again_and_again() -> None:
    looks = iter([[{"name": "m1", "lag": 0}], [{"name": "m1", "lag": 0}], [{"name": "m1", "lag": 2}], []])
    news = poll(lambda: next(looks), tell=lambda _: None, sleep=lambda _: None)
    assert [_told(next(news))[:2] for _ in range(3)] == [("list", "m1"), ("put", "m1"), ("delete", "m1")]


def test_a_look_that_fails_is_said_once() -> None:
    def look() -> list[Row]:
        found = next(looks)
        if isinstance(found, NoQuorum):
            raise found
        return found

    looks: Iterator[list[Row] | NoQuorum] = iter([[], NoQuorum("no quorum"), NoQuorum("no quorum"), [{"name": "m1"}]])
    told: list[Trouble] = []
    news = poll(look, tell=told.append, sleep=lambda _: None)
    next(news)
    assert _told(next(news))[:2] == ("put", "m1")
    assert told == [Trouble("no quorum"), Trouble("")]
