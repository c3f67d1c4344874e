"""The comparisons: who does what in turns, and which figures follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engine import sides
from engine.bench import Bench
from engine.race import Answer, Course, Entrant, run_race
from engine.side import Program

_OURS = "ours"
_WARM = 3
_SOME = 20
_RESTLESS = {"absurd", "temporal"}

Start = Callable[[Bench], Program]


@dataclass(frozen=True, slots=True)
class Contest:
    """Who does what.

    Attributes:
        title: Its name.
        ours: Us.
        others: With whom we are compared, by the figure that follows.
    """

    title: str
    ours: Entrant
    others: Mapping[str, Entrant]


def run_contests(bench: Bench) -> None:
    """Hold those from which a wanted figure follows, without those of whom none is wanted."""
    for make in (_alone_on_sqlite, _alone_on_postgres, _many_on_sqlite, _many_on_postgres, _in_memory):
        contest = make(bench)
        others = {key: entrant for key, entrant in contest.others.items() if bench.wants(key)}
        if others:
            course = run_race(bench, contest.title, (contest.ours, *others.values()))
            for key, entrant in others.items():
                _compare(bench, key, course, entrant.name)


def _compare(bench: Bench, key: str, course: Course, other: str) -> None:
    """Make a figure of two sides' rates."""
    failures = [course.failures[name] for name in (_OURS, other) if name in course.failures]
    if failures:
        bench.findings.fail([key], failures[0])
        return
    ours, theirs = (_rates(course.answers[name]) for name in (_OURS, other))
    ratios = (mine / its for mine, its in zip(ours, theirs, strict=True))
    bench.findings.add(key, ratios, **{"ours_per_second": ours, f"{other}_per_second": theirs})


def _rates(answers: Sequence[Answer]) -> list[float]:
    return [answer["count"] / answer["seconds"] for answer in answers]


def _alone_on_sqlite(bench: Bench) -> Contest:
    return Contest(
        "alone on SQLite",
        _alone(bench, _OURS, sides.own_on_sqlite),
        {
            "sqlite_alone_vs_commit": _commits(bench, sides.bare_sqlite),
            "sqlite_alone_vs_dbos": _alone(bench, "dbos", sides.dbos_on_sqlite),
        },
    )


def _alone_on_postgres(bench: Bench) -> Contest:
    return Contest(
        "alone on PostgreSQL",
        _alone(bench, _OURS, sides.own_on_postgres),
        {
            "postgres_alone_vs_commit": _commits(bench, sides.bare_postgres),
            "postgres_alone_vs_dbos": _alone(bench, "dbos", sides.dbos_on_postgres),
        },
    )


def _many_on_sqlite(bench: Bench) -> Contest:
    return Contest(
        "many on SQLite",
        _many(bench, _OURS, sides.own_on_sqlite),
        {"sqlite_many_vs_dbos": _many(bench, "dbos", sides.dbos_on_sqlite)},
    )


def _many_on_postgres(bench: Bench) -> Contest:
    return Contest(
        "many on PostgreSQL",
        _many(bench, _OURS, sides.own_on_postgres),
        {
            "postgres_many_vs_dbos": _many(bench, "dbos", sides.dbos_on_postgres),
            "postgres_many_vs_absurd": _many(bench, "absurd", sides.absurd),
            "many_vs_temporal": _many(bench, "temporal", sides.temporal),
        },
    )


def _in_memory(bench: Bench) -> Contest:
    return Contest(
        "many in memory",
        _many(bench, _OURS, sides.own_in_memory),
        {"memory_vs_medusa": _many(bench, "medusa", sides.medusa)},
    )


def _alone(bench: Bench, name: str, start: Start) -> Entrant:
    sizes = bench.sizes
    executions = sizes.alone * sizes.repeats if name == _OURS else sizes.alone
    return Entrant(name, partial(start, bench), "alone", {"executions": executions}, {"executions": _WARM})


def _commits(bench: Bench, start: Start) -> Entrant:
    return Entrant("commit", partial(start, bench), "commits", {"count": bench.sizes.commits}, {"count": 20})


def _many(bench: Bench, name: str, start: Start) -> Entrant:
    sizes = bench.sizes
    repeats = sizes.repeats if name in {_OURS, "medusa"} else 1
    values = {"executions": sizes.many, "repeats": repeats}
    warm_up = values if repeats > 1 else {"executions": min(_SOME, sizes.many), "repeats": 1}
    return Entrant(name, partial(start, bench), "many", values, warm_up, restless=name in _RESTLESS)
