"""What was found, as a table and as an object."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.bench import Finding, Findings
from engine.targets import TARGETS, Target


def as_object(findings: Findings, keys: Sequence[str], details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures by their keys, None for one that could not be measured, and what they were made from."""
    values = {key: _rounded(findings.found[key].value) if key in findings.found else None for key in keys}
    figures = {
        key: {"rounds": [_rounded(each) for each in finding.rounds]}
        | {name: _rounded(figure) for name, figure in finding.figures.items()}
        for key, finding in findings.found.items()
    }
    return {**values, "details": {**details, "figures": figures, "failed": findings.failed}}


def as_table(findings: Findings, keys: Sequence[str]) -> str:
    """Return a line for each figure: what it is, what it has to be, and what it was made from."""
    rows: list[tuple[str, ...]] = [("figure", "value", "target", "", "from")]
    rows += [_row(target, findings) for target in TARGETS if target.key in keys]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = (
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1])) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _row(target: Target, findings: Findings) -> tuple[str, ...]:
    bound = f"{'>=' if target.sense == 'at least' else '<='} {target.bound:g} {target.unit}".rstrip()
    finding = findings.found.get(target.key)
    if finding is None:
        return target.key, "-", bound, "failed", _first_line(findings.failed.get(target.key, ""))
    met = "met" if target.is_met(finding.value) else "NOT MET"
    return target.key, f"{_rounded(finding.value):g} {target.unit}".rstrip(), bound, met, _absolute(finding)


def _absolute(finding: Finding) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_rounded(value):,g}" for name, value in finding.figures.items())


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0][:100]


def _rounded(value: float) -> float:
    """Round to four digits: more is noise."""
    return float(f"{value:.4g}")
