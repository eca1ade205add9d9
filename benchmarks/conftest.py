"""Prints, after the table of times, how many checks a second each way makes and their ratios."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

TRIPS = {
    "test_round_trip_alone[1]": "a round trip of one question",
    "test_round_trip_alone[8]": "each of eight questions in one round trip",
    "test_bare_ping": "a bare ping between two processes",
}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Ratios measured in one run: absolute times differ from machine to machine."""
    session = getattr(config, "_benchmarksession", None)
    benchmarks = session.benchmarks if session else ()
    if not benchmarks:
        return
    rates = {
        bench.name: bench.extra_info["checks"] / bench.stats.min
        for bench in benchmarks
        if "checks" in bench.extra_info
    }
    terminalreporter.section("checks a second, best round")
    base = rates.get("test_plain_test")
    for name, rate in rates.items():
        against = "" if base is None else f"   {rate / base:5.2f} x the plain test"
        terminalreporter.write_line(f"{name:42} {rate:9.0f}{against}")
    eager = rates.get("test_bare_eager_calls")
    for name, words in TRIPS.items():
        if eager and name in rates:
            terminalreporter.write_line(f"{words} costs {eager / rates[name]:.1%} of an eager call")
    for bench in benchmarks:
        for name, ratios in bench.extra_info.get("times_the_plain_test", {}).items():
            middle, span = statistics.median(ratios), f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
            terminalreporter.write_line(
                f"in turn, {len(ratios)} rounds: {name} {middle:5.2f} x the plain test ({span})"
            )
        if "own_share" in bench.extra_info:
            terminalreporter.write_line(
                f"{bench.name}: {bench.stats.min:.0f} s from a cold start; maskgate's own time is "
                f"{bench.extra_info['own_share']:.0%} of the framework's"
            )


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Keep the rates beside the times in a saved report."""
    for bench in output_json["benchmarks"]:
        if "checks" in bench["extra_info"]:
            bench["extra_info"]["per_second"] = (
                bench["extra_info"]["checks"] / bench["stats"]["min"]
            )
