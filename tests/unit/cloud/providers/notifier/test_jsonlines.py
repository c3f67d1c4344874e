from pathlib import Path

import pytest

from euryale.cloud.providers.notifier.jsonlines import JsonLines


def test_records_come_back_in_order(tmp_path: Path):
    lines = JsonLines(tmp_path / "new" / "log.jsonl")
    assert lines.records() == []
    for number in range(3):
        lines.append({"n": number, "text": "ü\nü"})
    assert [record["n"] for record in lines.records()] == [0, 1, 2]
    assert len(lines.path.read_bytes().splitlines()) == 3


def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path):
    lines = JsonLines(tmp_path / "log.jsonl")
    lines.append({"n": 1})
    with lines.path.open("ab") as file:
        file.write(b'{"n": 2')
    lines.append({"n": 3})
    assert lines.records() == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_the_disk_that_it_takes_is_bounded(tmp_path: Path, keep: int):
    lines = JsonLines(tmp_path / "log.jsonl", max_bytes=100, keep=keep)
    for number in range(200):
        lines.append({"n": number})
    files = list(tmp_path.iterdir())
    assert len(files) == keep + 1
    assert all(file.stat().st_size <= 100 for file in files)
    numbers = [record["n"] for record in lines.records()]
    assert numbers == list(range(200 - len(numbers), 200))


def test_what_is_no_json_is_refused_and_leaves_nothing(tmp_path: Path):
    lines = JsonLines(tmp_path / "log.jsonl")
    with pytest.raises(TypeError):
        lines.append({"n": object()})
    assert not lines.path.exists()
