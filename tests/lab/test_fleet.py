"""A small simulated fleet at real managers: it joins, runs what it is told, and outlives its leader."""

from okube.bench.fleet import FleetOptions, bench_fleet


def test_a_fleet_takes_part_and_nobody_is_taken_for_down_when_the_leader_is_killed() -> None:
    told: list[str] = []
    figures = bench_fleet(FleetOptions(nodes=5, tasks=20, seconds=6.0, settle_s=1.0), told.append)
    assert figures["agents_false_downs"] == 0, told
    assert figures["agents_elections"] == 0, told
    assert figures["agents_heartbeats_s"] > 0, told
    assert figures["agents_after_heartbeats_s"] > 0, told
    assert figures["agents_assignments_a_node"] > 0, told
