import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.unit.cli.cluster import Cluster, a_service, a_task
from tests.unit.client.playing import problem

Okube = Callable[..., Result]

WEB = """\
kind: Service
name: web
image: nginx:1.27
replicas: 2
ports: ["8080:80/tcp"]
"""
DB = "name: db\nimage: postgres:16\nresources: {memory: 256M}\n"


@pytest.fixture
def write(home: Path) -> Callable[[str, str], str]:
    def to_file(name: str, text: str) -> str:
        path = home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    return to_file


Write = Callable[[str, str], str]


def _names(cluster: Cluster) -> list[str]:
    return [s["name"] for s in cluster.written[-1][2]["services"]]


def test_several_files_and_documents_are_one_write(okube: Okube, cluster: Cluster, write: Write) -> None:
    args = ["-f", write("web.yaml", f"{WEB}---\nname: api\nimage: api:1\n"), "-f", write("db.yaml", DB)]
    result = okube("apply", *args, "--no-wait", "-o", "json")
    assert result.exit_code == 0
    assert len(cluster.written) == 1
    assert _names(cluster) == ["web", "api", "db"]
    assert json.loads(result.stdout) == [{"name": n, "action": "created"} for n in ("web", "api", "db")]


def test_more_files_may_follow_one_flag(okube: Okube, cluster: Cluster, write: Write) -> None:
    okube("apply", "-f", write("web.yaml", WEB), write("db.yaml", DB), "--no-wait")
    assert _names(cluster) == ["web", "db"]


def test_a_folder_stands_for_its_files_by_name(okube: Okube, cluster: Cluster, write: Write) -> None:
    write("all/b.yaml", WEB)
    write("all/a.json", json.dumps({"name": "db", "image": "postgres"}))
    write("all/notes.txt", "nothing")
    okube("apply", "-f", "all", "--no-wait")
    assert _names(cluster) == ["db", "web"]


def test_a_dash_reads_stdin_and_a_list_of_services_is_taken_as_they_are(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web", 3, labels={"a": "b"}))
    listed = okube("services", "-o", "json").stdout
    result = okube("apply", "-f", "-", "--no-wait", stdin=listed)
    assert result.exit_code == 0
    assert cluster.written[-1][2]["services"][0]["labels"] == {"a": "b"}


def test_it_waits_for_what_it_has_made(okube: Okube, cluster: Cluster, write: Write) -> None:
    cluster.steps = [lambda: None, cluster.set_tasks(a_task("web.1"), a_task("web.2"))]
    result = okube("apply", "-f", write("web.yaml", WEB))
    assert result.exit_code == 0
    assert result.stderr == "web: 0 of 2 ready\n"
    assert result.stdout.splitlines() == ["SERVICE  ACTION", "web      created"]


def test_a_dry_run_and_a_diff_change_nothing(okube: Okube, cluster: Cluster, write: Write) -> None:
    cluster.add(a_service("web", 2, image="nginx:1.26"))
    file = write("web.yaml", WEB)
    assert okube("apply", "-f", file, "--dry-run").stdout.splitlines()[1] == "web      changed"
    assert okube("diff", "-f", file).stdout.splitlines() == [
        "web: changed",
        '  image: "nginx:1.26" -> "nginx:1.27"',
        '  ports: [] -> [{"container":80,"host":8080,"protocol":"tcp"}]',
    ]
    changes = json.loads(okube("diff", "-f", file, "-o", "json").stdout)[0]["changes"]
    assert changes[0] == {"path": "image", "old": "nginx:1.26", "new": "nginx:1.27"}
    assert cluster.services["web"]["image"] == "nginx:1.26"


def test_with_prune_what_the_files_no_longer_name_of_their_apps_goes_and_is_waited_for(
    okube: Okube, cluster: Cluster, write: Write
) -> None:
    cluster.add(a_service("shop-db", app="shop"))
    cluster.add(a_service("lone"))
    file = write("shop.yaml", f"app: shop\n{WEB}")
    assert okube("apply", "-f", file, "--prune", "--dry-run").stdout.splitlines()[2] == "shop-db  removed"
    assert okube("diff", "-f", file, "--prune").stdout.splitlines() == ["web: created", "shop-db: removed"]
    assert "shop-db" in cluster.services
    there = (a_task("web.1"), a_task("web.2"))
    cluster.steps = [cluster.set_tasks(*there, a_task("shop-db.1"))] * 3 + [cluster.set_tasks(*there)]
    result = okube("apply", "-f", file, "--prune")
    assert (result.exit_code, result.stderr) == (0, "1 task still to stop\n")
    assert result.stdout.splitlines() == ["SERVICE  ACTION", "web      created", "shop-db  removed"]
    assert sorted(cluster.services) == ["lone", "web"]


def test_prune_without_an_app_removes_nothing_and_says_so(okube: Okube, cluster: Cluster, write: Write) -> None:
    cluster.add(a_service("lone"))
    result = okube("apply", "-f", write("web.yaml", WEB), "--prune", "--no-wait")
    assert result.stderr == "okube: no service in these files names an app, so --prune removes nothing\n"
    assert "lone" in cluster.services


def test_every_error_of_every_file_is_told_with_its_line(okube: Okube, cluster: Cluster, write: Write) -> None:
    write("web.yaml", WEB.replace("replicas: 2", "replcas: 2").replace("8080:80/tcp", "eighty"))
    write("db.yaml", "name: db\nimage: a\nimage: b\n")
    write("bad.yaml", "name: [\n")
    result = okube("apply", "-f", "web.yaml", "db.yaml", "bad.yaml", "gone.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    for part in (
        "web.yaml:4: replcas: unknown key (did you mean 'replicas'?)",
        "web.yaml:5: ports[0]: 'eighty' is not a port",
        "db.yaml:3: image: is given twice",
        "bad.yaml:",
        "gone.yaml cannot be read",
        "okube: 5 errors: nothing was changed",
    ):
        assert part in result.stderr
    assert cluster.written == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("services:\n  web: {image: nginx}\n", "Compose files are not supported yet"),
        ("kind: Deployment\nname: web\nimage: x\n", "'Deployment' is no kind"),
        ("- name: web\n  imge: x\n", "f.yaml:2: imge: unknown key"),
        (f"{WEB}---\n{WEB}", "name: web is given twice; first in f.yaml:2"),
        ("# nothing\n", "there is no service in it"),
        ("just a text\n", "a mapping with keys is expected"),
    ],
)
def test_what_is_no_service_file_is_told(okube: Okube, cluster: Cluster, write: Write, text: str, line: str) -> None:
    result = okube("apply", "-f", write("f.yaml", text))
    assert result.exit_code == 2
    assert line in result.stderr
    assert cluster.written == []


def test_what_the_cluster_finds_wrong_is_told_at_its_place(okube: Okube, cluster: Cluster, write: Write) -> None:
    refusal = problem(422, "invalid", "services: ...", [("services[1].resources.memory", "is more than any node has")])
    cluster.refusals["POST", "/v1/apply"] = refusal
    result = okube("apply", "-f", write("web.yaml", WEB), write("db.yaml", DB))
    assert result.exit_code == 1
    assert result.stderr.startswith("db.yaml:3: resources.memory: is more than any node has\n")


def test_an_empty_folder_is_told(okube: Okube, home: Path) -> None:
    (home / "none").mkdir()
    result = okube("apply", "-f", "none")
    assert result.exit_code == 2
    assert "there is no file in this folder" in result.stderr


def test_what_looks_like_a_secret_is_warned_of_without_its_value(okube: Okube, write: Write) -> None:
    leaky = "name: db\nimage: postgres:16\nenv: {POSTGRES_PASSWORD: hunter2, MODE: live}\n"
    result = okube("apply", "-f", write("db.yaml", leaky), "--no-wait")
    assert result.exit_code == 0
    assert "warning: db: env.POSTGRES_PASSWORD looks like a secret" in result.stderr
    assert "okube secret create" in result.stderr
    assert "hunter2" not in result.output
    assert "warning" not in okube("apply", "-f", write("web.yaml", WEB), "--no-wait").stderr
