"""An installation that is killed at any moment goes on where it was: a host, hit again and again, ends healthy.

Each round takes a bare host, kills `okube cluster install` at random moments, and sometimes cuts the host's power with
it; then the next installation must end with a cluster that is well. ``OKUBE_INSTALL_ROUNDS`` says how many rounds: one
unless it is set, for each takes a minute; `make soak` has 20.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.rack.bundles import this_bundle
from tests.lab.rack.description import describe
from tests.lab.rack.rack import Rack

ROUNDS = int(os.environ.get("OKUBE_INSTALL_ROUNDS", "1"))
_OKUBE = Path(sys.executable).with_name("okube")
_EXPECTED_S = float(os.environ.get("OKUBE_INSTALL_S", "20"))


class Operator:
    """Types the command, and kills it."""

    def __init__(self, rack: Rack, folder: Path, bundle: Path) -> None:
        self.folder = folder
        self.words = [str(_OKUBE), "cluster", "install", "--bundle", str(bundle), "-o", "json"]
        described: dict[str, Any] = describe(rack, ["m1"], ["m1"], runtime="process")
        (folder / "cluster.yaml").write_text(yaml.safe_dump(described))

    def begin(self) -> "subprocess.Popen[str]":
        env = {**os.environ, "HOME": str(self.folder), "OKUBE_CONFIG": str(self.folder / "cluster.yaml")}
        return subprocess.Popen(
            self.words,
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self) -> str:
        """Run it to its end; what it said."""
        running = self.begin()
        out, err = running.communicate(timeout=600)
        assert running.returncode == 0, f"{out}\n{err}"
        return out


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_installation_that_was_killed_goes_on_where_it_was(
    tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    rng = random.Random(f"interrupted {number}")
    bundle = this_bundle(tmp_path_factory.getbasetemp())  # made once for all rounds
    folder = tmp_path_factory.mktemp("operator")
    with Rack(["m1"], engines=[]) as rack:
        operator = Operator(rack, folder, bundle)
        for _ in range(rng.choice((1, 1, 2))):
            _interrupt(operator, rack, rng)
        said = operator.finish()
        assert '"well": true' in said
        again = operator.finish()
        assert '"nothing_to_do": true' in again
        left = [path.name for path in (folder / "okube").iterdir()]
        assert "m1" not in left, left  # a manager is in one place
        assert not any(name.startswith(".") and name.endswith((".sent", ".making")) for name in left), left


def _interrupt(operator: Operator, rack: Rack, rng: random.Random) -> None:
    running = operator.begin()
    end = time.monotonic() + rng.uniform(0.2, _EXPECTED_S)
    while running.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    if rng.random() < 0.5:
        rack.power_off("m1")
        running.kill()
        running.communicate()
        rack.power_on("m1")
    else:
        running.kill()
        running.communicate()
