# The ways in; what each does is in scripts/ and in okube.processes. Each step prints a line with its time.
.DEFAULT_GOAL := help
.PHONY: help demo down check test coverage soak simulate mutants lab lab-down bench bench-scheduler bench-quality bench-extender bench-raft bench-snapshot bench-flood bench-fleet wheel-bundle

STEP := scripts/step
SEEDS ?= 100
ENGINE_PACKAGES := docker.io iproute2 iptables busybox-static strace faketime
RACK_PACKAGES := docker.io iproute2 iptables busybox-static openssh-server openssh-client sudo python3
VAGRANT_PACKAGES := vagrant vagrant-libvirt
RAFT_BENCH_PACKAGES := wrk etcd-server iproute2 iptables
FLOOD_BENCH_PACKAGES := wrk

help:
	@echo "make demo    a cluster on this machine (3 managers, 3 workers) with an example app; 'make down' ends it"
	@echo "make down    end the cluster, its containers, and the engine if 'make demo' started it; the data stays"
	@echo "make check   lint, types, and the arrows between packages"
	@echo "make test    the checks and all tests"
	@echo "make coverage    the tests, and how much of Okube they cover"
	@echo "make simulate SEEDS=N     N simulated runs of the log and of whole clusters, under faults; ends with the violations"
	@echo "make mutants    guards switched off, one at a time, until a simulated run or a test notices; docs/reliability.md has the table"
	@echo "make soak    the lab at length: ten minutes of mixed faults with the history checked, leaders killed and stopped, managers added and removed, agents cut off, certificates renewed under load, writers with one revision, 10,000 services made and removed, requests made up at random"
	@echo "make lab     hosts on this machine, bare, to install on and to break: 3 managers, 3 workers, 2 more; 'make lab-down' ends it"
	@echo "make wheel-bundle    Okube and all that it needs in one file, for 'okube cluster install' and 'upgrade'; PYTHONS='3.12 3.13' for other Pythons than this one too"
	@echo "make bench   the cluster against plain Docker: starts, bursts, losses, footprint; the last line is JSON"
	@echo "make bench-raft   writes and lost leaders, against etcd; the last line is JSON"
	@echo "make bench-flood          what one client feels while 200 others flood the leader; the last line is JSON"
	@echo "make bench-fleet          1,000 simulated agents at real managers, and the loss of their leader; a million tasks; the last line is JSON"
	@echo "make bench-snapshot       how long snapshots of 100,000 tasks hold a manager's loop; the last line is JSON"
	@echo "make bench-scheduler      how long placement takes; the last line is JSON"
	@echo "make bench-quality        how good placements are, against the best there are and against simpler rules; the last line is JSON"
	@echo "make bench-extender       how long kube-scheduler waits for the extender at 1,000 nodes; the last line is JSON"

demo: .venv/.installed
	@.venv/bin/python -m okube.processes.demo

down:
	@if [ -x .venv/bin/okube ]; then .venv/bin/okube down; else echo "There is no .venv here, so nothing was started."; fi

check: .venv/.installed-dev
	@scripts/check

test: .venv/.installed-dev
	@$(STEP) "packages for the tests" scripts/packages $(ENGINE_PACKAGES) $(RACK_PACKAGES) $(VAGRANT_PACKAGES)
	@scripts/check
	@scripts/tests

coverage: export COVERAGE := 1
coverage: test

soak: .venv/.installed-dev
	@$(STEP) "packages for the tests" scripts/packages $(ENGINE_PACKAGES)
	@.venv/bin/python -m tests.lab.raft.soak
	@OKUBE_FAILOVER_ROUNDS=20 OKUBE_STOP_ROUNDS=20 OKUBE_PARTITION_S=60 OKUBE_COMPARE_ROUNDS=1000 OKUBE_HISTORY_RUNS=10000 \
	    OKUBE_FUZZ_EXAMPLES=200 OKUBE_KILL_ALL_ROUNDS=20 OKUBE_TRACE_ROUNDS=10 \
	    OKUBE_IDLE_CONNECTIONS=10000 OKUBE_MEMBERS_MOST=7 OKUBE_MEMBERSHIP_SEEDS=300 OKUBE_QUIET_S=600 OKUBE_FENCING_ROUNDS=20 \
	    OKUBE_RENEWAL_LIFE=120 OKUBE_RENEWAL_SECONDS=600 OKUBE_INSTALL_ROUNDS=20 \
	    .venv/bin/python -m pytest -q -s \
	    tests/lab/test_failover.py tests/lab/test_links.py tests/lab/test_watch.py tests/lab/test_history.py \
	    tests/lab/edges/test_fuzz.py tests/lab/edges/test_ports.py tests/lab/disk/*.py tests/lab/test_members.py tests/lab/test_renewal.py \
	    tests/lab/raft/test_elections.py tests/lab/raft/test_fencing.py tests/lab/rack/test_interrupted.py \
	    tests/simulation/test_membership_simulation.py

simulate: .venv/.installed-dev
	@.venv/bin/python -m tests.simulation --seeds $(SEEDS)
	@.venv/bin/python -m tests.simulation.whole --seeds $(SEEDS)

mutants: .venv/.installed-dev
	@.venv/bin/python -m tests.mutants --write

lab: .venv/.installed-dev
	@$(STEP) "packages for the lab" scripts/packages $(RACK_PACKAGES)
	@scripts/lab up

lab-down:
	@if [ -L .lab ]; then scripts/lab down; else echo "There is no lab here."; fi

bench: .venv/.installed-dev
	@$(STEP) "packages for the bench" scripts/packages $(ENGINE_PACKAGES)
	@.venv/bin/python -m tests.bench.bench_cluster

bench-raft: .venv/.installed-dev
	@$(STEP) "packages for the bench" scripts/packages $(RAFT_BENCH_PACKAGES)
	@.venv/bin/python -m tests.bench.bench_raft

bench-scheduler: .venv/.installed-dev
	@.venv/bin/python -m tests.bench.bench_scheduler

bench-quality: .venv/.installed-dev
	@.venv/bin/python -m tests.bench.quality

bench-extender: .venv/.installed-dev
	@.venv/bin/python -m tests.bench.bench_extender

bench-flood: .venv/.installed-dev
	@$(STEP) "packages for the bench" scripts/packages $(FLOOD_BENCH_PACKAGES)
	@.venv/bin/python -m tests.bench.bench_flood

bench-fleet: .venv/.installed
	@.venv/bin/python -m okube.bench

bench-snapshot: .venv/.installed-dev
	@.venv/bin/python -m tests.bench.bench_snapshot

wheel-bundle: .venv/.installed
	@$(STEP) "wheel bundle" .venv/bin/python -m okube.install.bundle $(PYTHONS)

.venv/.installed: pyproject.toml scripts/venv
	@$(STEP) "virtual environment" scripts/venv
	@touch $@

.venv/.installed-dev: pyproject.toml scripts/venv
	@$(STEP) "virtual environment for development" scripts/venv dev
	@touch .venv/.installed $@
