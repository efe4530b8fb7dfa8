from okube.kube.account import Account
from okube.kube.workload import Service
from tests.unit.kube.builders import a_pod

DB, WEB = Service("default", "shop", "db"), Service("default", "shop", "web")


def test_only_pods_on_a_node_count() -> None:
    account = Account()
    account.put(a_pod("db"))
    assert account.nodes_of(DB) == {}

    account.put(a_pod("db", node="n1"))
    assert account.nodes_of(DB) == {"n1": 1}


def test_pods_that_ended_or_went_count_no_more() -> None:
    account = Account()
    for name in ("db-1", "db-2"):
        account.put(a_pod("db", node="n1", name=name))
    assert account.nodes_of(DB) == {"n1": 2}

    account.put(a_pod("db", node="n1", name="db-1", phase="Succeeded"))
    account.remove(a_pod("db", name="db-2").key)
    assert account.nodes_of(DB) == {}
    assert len(account) == 0


def test_a_call_is_known_by_whom_it_is_for_and_goes_with_the_caller() -> None:
    account = Account()
    account.put(a_pod("web", {"service": "db"}, node="n1"))

    ((call, nodes),) = account.calls_to(DB).items()
    assert (call.caller, dict(nodes)) == (WEB, {"n1": 1})

    account.remove(a_pod("web").key)
    assert account.calls_to(DB) == {}


def test_a_new_list_forgets_whoever_is_not_on_it() -> None:
    account = Account()
    account.put(a_pod("db", node="n1"))

    account.replace([a_pod("web", {"service": "db"}, node="n2")])

    assert account.nodes_of(DB) == {}
    assert account.nodes_of(WEB) == {"n2": 1}


def test_telling_the_same_again_is_no_change() -> None:
    account = Account()
    account.put(a_pod("db", node="n1"))
    before = account.standing(WEB, [DB])

    account.put(a_pod("db", node="n1"))
    account.replace([a_pod("db", node="n1")])
    account.remove("nobody")

    assert account.standing(WEB, [DB]) == before


def test_a_running_pod_with_an_annotation_that_cannot_be_read_counts_as_one_without() -> None:
    account = Account()
    account.put(a_pod("web", {"service": "db", "max_latncy": 1}, node="n1"))

    assert account.nodes_of(WEB) == {"n1": 1}
    assert account.calls_to(DB) == {}


def test_what_a_service_talks_with_is_another_once_one_of_it_has_moved_and_its_own_pods_do_not_matter() -> None:
    account = Account()
    seen = [account.standing(WEB, [DB])]
    account.put(a_pod("web", {"service": "db"}, node="n1"))
    assert account.standing(WEB, [DB]) == seen[0]
    for pod in (a_pod("db", node="n1"), a_pod("db", node="n2"), a_pod("gateway", {"service": "web"}, node="n1")):
        account.put(pod)
        seen.append(account.standing(WEB, [DB]))
    account.remove(a_pod("gateway").key)
    seen.append(account.standing(WEB, [DB]))

    assert len(set(seen)) == len(seen) - 1 and seen[-1] == seen[-3]  # without the caller it is as it was before it
