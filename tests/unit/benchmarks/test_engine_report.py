from engine.arguments import read_arguments
from engine.bench import Findings
from engine.report import as_object, as_table
from engine.targets import KEYS, TARGETS


def findings() -> Findings:
    findings = Findings()
    findings.add("cost_growth", [1.5, 1.0, 1.1234567], first_hundred_seconds=[0.1, 0.3, 0.2])
    findings.add("sqlite_alone_vs_dbos", [7.0], ours_per_second=[3500.0], dbos_per_second=[500.0])
    findings.fail(["many_vs_temporal"], "temporal has ended: no\nmore of it")
    return findings


ASKED = ("sqlite_alone_vs_dbos", "many_vs_temporal", "cost_growth")


def test_a_figure_is_the_median_of_its_rounds():
    made = as_object(findings(), ASKED, {"rounds": 3})
    assert {key: made[key] for key in ASKED} == {
        "sqlite_alone_vs_dbos": 7.0,
        "many_vs_temporal": None,
        "cost_growth": 1.123,
    }
    assert made["details"]["rounds"] == 3
    assert made["details"]["figures"]["cost_growth"] == {"rounds": [1.5, 1.0, 1.123], "first_hundred_seconds": 0.2}
    assert made["details"]["failed"] == {"many_vs_temporal": "temporal has ended: no\nmore of it"}


def test_the_table_says_what_was_met_and_what_failed():
    head, dbos, temporal, growth = (line.split(None, 6) for line in as_table(findings(), ASKED).splitlines())
    assert head == ["figure", "value", "target", "from"]
    assert dbos[:6] == ["sqlite_alone_vs_dbos", "7", ">=", "8", "NOT", "MET"]
    assert dbos[6] == "ours per second 3,500, dbos per second 500"
    assert temporal[:5] == ["many_vs_temporal", "-", ">=", "50", "failed"]
    assert " ".join(temporal[5:]) == "temporal has ended: no"
    assert growth[:5] == ["cost_growth", "1.123", "<=", "1.2", "met"]


def test_everything_is_measured_unless_figures_are_named():
    assert read_arguments([]).keys == KEYS == tuple(target.key for target in TARGETS)
    assert read_arguments(["--only", "cost_growth", "--only", "many_vs_temporal"]).keys == (
        "many_vs_temporal",
        "cost_growth",
    )
