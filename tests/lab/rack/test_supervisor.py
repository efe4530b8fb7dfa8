"""The lab's supervisor does with units what systemd would."""

from collections.abc import Callable

import pytest

from tests.lab.engine import wait_until
from tests.lab.rack.rack import Rack

_NOTIFIER = """
import os, socket, sys, time
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say = lambda text: sock.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
time.sleep(0.3)
say("READY=1\\nSTATUS=serving")
while not os.path.exists("/run/hang"):
    say("WATCHDOG=1")
    time.sleep(0.05)
time.sleep(600)
"""

Put = Callable[..., None]


@pytest.fixture
def put(two_hosts: Rack) -> Put:
    def write(name: str, *lines: str, wanted: bool = False) -> None:
        text = "\n".join(["[Service]", *lines, *(["[Install]", "WantedBy=multi-user.target"] if wanted else [])])
        two_hosts["b"].run("sh", "-c", f"cat > /etc/systemd/system/{name}", stdin=text + "\n")

    return write


def shown(rack: Rack, unit: str) -> dict[str, str]:
    lines = rack["b"].supervise("show", unit).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_a_unit_is_started_and_stopped_with_all_that_it_started(two_hosts: Rack, put: Put) -> None:
    put("tree.service", "ExecStart=/bin/sh -c 'sleep 801 & exec sleep 802'")
    two_hosts["b"].supervise("start", "tree")
    assert shown(two_hosts, "tree.service")["ActiveState"] == "active"
    two_hosts["b"].supervise("stop", "tree")
    assert shown(two_hosts, "tree.service")["ActiveState"] == "inactive"
    assert two_hosts["b"].run("pgrep", "-f", "sleep 80[12]", check=False).stdout == ""


def test_with_kill_mode_process_what_a_unit_started_lives_on(two_hosts: Rack, put: Put) -> None:
    put("parent.service", "KillMode=process", "ExecStart=/bin/sh -c 'sleep 803 & exec sleep 804'")
    two_hosts["b"].supervise("start", "parent")
    two_hosts["b"].supervise("stop", "parent")
    assert two_hosts["b"].run("pgrep", "-fc", "sleep 80[34]", check=False).stdout == "1\n"


def test_start_waits_until_a_unit_says_that_it_is_ready(two_hosts: Rack, put: Put) -> None:
    two_hosts["b"].run("sh", "-c", "cat > /opt/notifier.py", stdin=_NOTIFIER)
    put("ready.service", "Type=notify", "ExecStart=/usr/bin/python3 /opt/notifier.py")
    two_hosts["b"].supervise("start", "ready")
    assert shown(two_hosts, "ready.service")["StatusText"] == "serving"


def test_a_unit_whose_watchdog_falls_silent_is_started_again(two_hosts: Rack, put: Put) -> None:
    two_hosts["b"].run("sh", "-c", "cat > /opt/notifier.py", stdin=_NOTIFIER)
    watched = ("Type=notify", "WatchdogSec=300ms", "Restart=on-failure", "RestartSec=50ms")
    put("watched.service", *watched, "ExecStart=/usr/bin/python3 /opt/notifier.py")
    two_hosts["b"].supervise("start", "watched")
    two_hosts["b"].run("touch", "/run/hang")
    wait_until(lambda: shown(two_hosts, "watched.service")["NRestarts"] != "0", "it is started again")
    two_hosts["b"].run("rm", "/run/hang")
    wait_until(lambda: shown(two_hosts, "watched.service")["ActiveState"] == "active", "it is well again")


def test_a_unit_that_fails_is_started_again_until_that_is_too_often(two_hosts: Rack, put: Put) -> None:
    put("crash.service", "Restart=on-failure", "RestartSec=10ms", "ExecStart=/bin/false")
    two_hosts["b"].supervise("start", "crash", check=False)
    wait_until(lambda: shown(two_hosts, "crash.service")["Result"] == "start-limit-hit", "it is given up")
    assert two_hosts["b"].supervise("is-active", "crash", check=False).stdout == "failed\n"


def test_a_start_that_fails_is_told_with_where_to_look(two_hosts: Rack, put: Put) -> None:
    put("missing.service", "ExecStart=/opt/nothing")
    done = two_hosts["b"].supervise("restart", "missing", check=False)
    wait_until(lambda: shown(two_hosts, "missing.service")["ActiveState"] == "failed", "it has failed")
    assert done.returncode in (0, 1)  # without Type=notify it may be seen to have started
    assert "cannot be started" in two_hosts["b"].supervise("logs", "missing").stdout


def test_what_is_enabled_starts_when_the_host_boots(two_hosts: Rack, put: Put) -> None:
    put("boots.service", "ExecStart=/bin/sleep 900", wanted=True)
    two_hosts["b"].supervise("enable", "boots")
    assert two_hosts["b"].supervise("is-enabled", "boots").stdout == "enabled\n"
    two_hosts.power_off("b")
    two_hosts.power_on("b")
    assert shown(two_hosts, "boots.service")["ActiveState"] == "active"
    two_hosts["b"].supervise("disable", "--now", "boots")
    assert two_hosts["b"].supervise("is-active", "boots", check=False).stdout == "inactive\n"


def test_a_confined_unit_writes_only_where_it_may(two_hosts: Rack, put: Put) -> None:
    script = "'touch /var/lib/mine/yes; touch /var/lib/no /tmp/no /root/no; id -u; sleep 905'"
    confined = ("User=guest", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "StateDirectory=mine")
    put("confined.service", *confined, "NoNewPrivileges=yes", f"ExecStart=/bin/sh -c {script}")
    two_hosts["b"].supervise("start", "confined")
    wait_until(lambda: "1001" in two_hosts["b"].supervise("logs", "confined").stdout, "it has tried")
    assert two_hosts["b"].path("/var/lib/mine/yes").exists()
    assert "Read-only file system" in two_hosts["b"].supervise("logs", "confined").stdout
    assert not two_hosts["b"].path("/tmp/no").exists()


def test_a_condition_that_is_not_met_is_no_failure(two_hosts: Rack, put: Put) -> None:
    text = "[Unit]\nConditionPathExists=!/etc/hostname\n[Service]\nExecStart=/bin/sleep 906\n"
    two_hosts["b"].run("sh", "-c", "cat > /etc/systemd/system/unmet.service", stdin=text)
    two_hosts["b"].supervise("start", "unmet")
    assert shown(two_hosts, "unmet.service")["ActiveState"] == "inactive"
