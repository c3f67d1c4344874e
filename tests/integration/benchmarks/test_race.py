"""Sides take turns; one that fails is out, and the others go on."""

import sys
from pathlib import Path

import pytest

from engine.bench import SMALL, Bench
from engine.peers import Peers
from engine.race import Entrant, run_race
from engine.side import Program, Side, SideError

PROGRAM = """
import asyncio, sys
from engine.programs.telling import be_told

left = int(sys.argv[1])

async def work(**values):
    global left
    left -= 1
    print("working")
    if not left:
        sys.exit("too tired")
    with open("turns", "a") as turns:
        turns.write(sys.argv[2])
    return {"values": values}

asyncio.run(be_told(work=work))
"""
BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def program(name: str, turns: int) -> Program:
    return Program(name, (sys.executable, "-c", PROGRAM, str(turns), name), {"PYTHONPATH": str(BENCHMARKS)})


def entrant(name: str, turns: int = -1, *, restless: bool = False) -> Entrant:
    return Entrant(name, lambda: program(name, turns), "work", {"count": 5}, {"count": 1}, restless)


def missing(name: str) -> Entrant:
    return Entrant(name, lambda: Program(name, ("no-such-program",)), "work", {}, {})


def test_a_side_that_fails_is_out_and_says_why(tmp_path):
    with Bench(tmp_path, Peers(tmp_path), (), 3, SMALL) as bench:
        course = run_race(
            bench, "a race", [entrant("a"), entrant("b", turns=3), missing("c"), entrant("d", restless=True)]
        )
    assert course.answers == {name: [{"values": {"count": 5}}] * 3 for name in ("a", "d")}
    assert set(course.failures) == {"b", "c"}
    assert course.failures["b"].startswith("b has ended: too tired")
    assert "no-such-program" in course.failures["c"]
    assert (tmp_path / "turns").read_text() == "abd" + "abd" + "da" + "ad", "in turns, each round the other way round"


def test_a_side_that_does_not_answer_in_time_is_an_error(tmp_path):
    sleeper = Program("sleeper", (sys.executable, "-c", "import sys; print('{}', flush=True); sys.stdin.read()"))
    with Side(sleeper, tmp_path) as side, pytest.raises(SideError, match="did not answer within 0 s"):
        side.tell("work", within=0.05)
