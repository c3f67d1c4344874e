"""What is measured of us alone, or in stages: a hand-off, a long execution, a kill, memory."""

import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import closing

from engine import sides
from engine.bench import Bench
from engine.progress import progress
from engine.race import FAILURES, Answer, text
from engine.side import Side, SideError

_BYTES_WITHIN = 300.0
_FINISHED_WITHIN = 300.0
_LOOK_EVERY = 0.2
_WARM = 100
_RESTING = "SELECT count(*) FROM executions WHERE status = 'waiting' AND owner = ''"


def run_trials(bench: Bench) -> None:
    """Hold those that are wanted; each one's failure is its own."""
    trials: dict[str, Callable[[Bench], None]] = {
        "handoff_p50_vs_commit": hand_off,
        "cost_growth": grow,
        "recover_10k_seconds": recover,
        "waiting_bytes": wait,
    }
    for key, trial in trials.items():
        if bench.wants(key):
            try:
                trial(bench)
            except FAILURES as error:
                bench.findings.fail([key], text(error))


def hand_off(bench: Bench) -> None:
    """Start executions for a worker of another process and await each result, in turns with bare commits."""
    url, ours, commits = bench.postgres.new_database(), [], []
    with (
        Side(sides.bare_postgres(bench), bench.folder) as bare,
        Side(sides.own("client", "postgres", url, concurrency=0), bench.folder) as client,
        Side(sides.own_worker(url), bench.folder),
    ):
        client.tell("hand_off", executions=5)
        for number in range(bench.rounds):
            progress(f"hand-off: round {number + 1} of {bench.rounds}")
            ours.append(_p50(client.tell("hand_off", executions=bench.sizes.hand_offs)))
            commits.append(_p50(bare.tell("commits", count=bench.sizes.commits)))
    ratios = (mine / commit for mine, commit in zip(ours, commits, strict=True))
    bench.findings.add("handoff_p50_vs_commit", ratios, ours_p50_seconds=ours, commit_p50_seconds=commits)


def _p50(answer: Answer) -> float:
    return float(statistics.median(answer["seconds_each"]))


def grow(bench: Bench) -> None:
    """Run executions of a thousand steps, one after the other."""
    with Side(sides.own_on_sqlite(bench), bench.folder) as side:
        side.tell("long")
        answers = []
        for number in range(bench.rounds):
            progress(f"growth: round {number + 1} of {bench.rounds}")
            answers.append(side.tell("long"))
    first, last = ([answer[name] for answer in answers] for name in ("first", "last"))
    ratios = (end / begin for begin, end in zip(first, last, strict=True))
    bench.findings.add("cost_growth", ratios, first_hundred_seconds=first, last_hundred_seconds=last)


def recover(bench: Bench) -> None:
    """Kill a process in the middle of many executions; time its successor from the kill until all have ended."""
    executions, took = bench.sizes.interrupted, []
    for number in range(bench.rounds):
        progress(f"recovery: round {number + 1} of {bench.rounds}")
        file = bench.new_file()
        with Side(sides.own("victim", "sqlite", file, concurrency=2 * executions), bench.folder) as victim:
            victim.tell("wait_in_middle", executions=executions)
            victim.kill()
        killed = time.perf_counter()
        with Side(sides.own("successor", "sqlite", file), bench.folder) as successor:
            successor.tell("reach_finished", executions=executions, within=_FINISHED_WITHIN)
            took.append(time.perf_counter() - killed)
            succeeded = successor.tell("count_succeeded", executions=executions)["succeeded"]
        if succeeded != executions:
            raise SideError(f"of {executions} interrupted executions only {succeeded} succeeded")
    bench.findings.add("recover_10k_seconds", took, executions_per_second=[executions / each for each in took])


def wait(bench: Bench) -> None:
    """Have many executions wait, each round in a process of its own, and compare its resident memory."""
    executions, grown = bench.sizes.waiting, []
    for number in range(bench.rounds):
        progress(f"waiting: round {number + 1} of {bench.rounds}")
        file = bench.new_file()
        with Side(sides.own("ours", "sqlite", file), bench.folder) as side:
            side.tell("begin_waiting", executions=_WARM)
            _until_resting(file, _WARM)
            before = side.tell("memory")["resident"]
            side.tell("begin_waiting", executions=executions, within=_BYTES_WITHIN)
            _until_resting(file, executions + _WARM)
            grown.append(side.tell("memory")["resident"] - before)
    bench.findings.add("waiting_bytes", (each / executions for each in grown), grown_bytes=grown)


def _until_resting(file: str, wanted: int) -> None:
    """Return when so many executions wait in the store alone."""
    pause, deadline, resting = threading.Event(), time.monotonic() + _BYTES_WITHIN, 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        while time.monotonic() < deadline:
            (resting,) = connection.execute(_RESTING).fetchone()
            if resting >= wanted:
                return
            pause.wait(_LOOK_EVERY)
    raise SideError(f"only {resting} of {wanted} executions wait in the store")
