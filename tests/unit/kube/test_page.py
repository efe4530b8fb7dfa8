"""What docs/kube-extender.md and examples/kubernetes say is what the extender reads and serves."""

import re
from pathlib import Path
from typing import Any

import click
import yaml

from okube.cli.kube_extender import kube_extender
from okube.kube.protocol import Metadata
from okube.kube.topologyfile import read_topology
from okube.kube.workload import dependencies_of

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "kube-extender.md").read_text()
EXAMPLES = ROOT / "examples" / "kubernetes"
PORT = next(option.default for option in kube_extender.params if option.name == "port")


def examples(name: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all((EXAMPLES / name).read_text()) if document]


def of_kind(kind: str, documents: list[dict[str, Any]]) -> dict[str, Any]:
    return next(document for document in documents if document["kind"] == kind)


def blocks() -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def test_the_topology_on_the_page_and_that_of_the_manifest_are_read(tmp_path: Path) -> None:
    on_page = next(block for block in blocks() if "topology" in block)
    in_manifest = of_kind("ConfigMap", examples("okube-scheduler.yaml"))["data"]["topology.yaml"]

    for number, text in enumerate([yaml.safe_dump(on_page), in_manifest]):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert read_topology(path).costs


def test_the_annotations_on_the_page_and_of_the_example_are_read() -> None:
    metadata = [next(block["metadata"] for block in blocks() if "metadata" in block)]
    metadata += [document["spec"]["template"]["metadata"] for document in examples("shop.yaml")]

    found = [dependencies_of(Metadata(labels=each["labels"], annotations=each.get("annotations"))) for each in metadata]

    assert [[each.service for each in dependencies] for dependencies in found] == [["db", "cache"], [], ["db"]]


def test_the_scheduler_of_the_manifest_asks_where_the_extender_listens() -> None:
    documents = examples("okube-scheduler.yaml")
    config = yaml.safe_load(of_kind("ConfigMap", documents)["data"]["scheduler.yaml"])
    (extender,) = config["extenders"]

    assert extender["urlPrefix"] == f"http://127.0.0.1:{PORT}"
    assert extender == next(block for block in blocks() if "extenders" in block)["extenders"][0]
    assert (extender["filterVerb"], extender["prioritizeVerb"]) == ("filter", "prioritize")
    scheduler = config["profiles"][0]["schedulerName"]
    assert all(pod["spec"]["template"]["spec"]["schedulerName"] == scheduler for pod in examples("shop.yaml"))


def test_the_command_of_the_manifest_is_one_that_there_is() -> None:
    containers = of_kind("Deployment", examples("okube-scheduler.yaml"))["spec"]["template"]["spec"]["containers"]
    command = next(each["command"] for each in containers if each["name"] == "extender")

    with click.Context(kube_extender) as context:
        kube_extender.parse_args(context, command[2:])

    assert command[:2] == ["okube", "kube-extender"]
