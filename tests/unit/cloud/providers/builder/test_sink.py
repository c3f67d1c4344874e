from pathlib import Path

from euryale.cloud.providers.builder.process.sink import LogSink


def test_output_beyond_the_limit_is_left_out_but_for_its_last_lines(tmp_path: Path) -> None:
    with LogSink(tmp_path / "log", (), limit=100) as sink:
        for number in range(1000):
            sink.write(f"line {number}\n".encode())
        sink.note("over")
        assert sink.tail()[-1] == "line 999"
    written = (tmp_path / "log").read_text()
    assert len(written) < 300
    assert "line 11\n" in written
    assert "too much output" in written
    assert written.endswith("over\n")


def test_a_line_without_an_end_takes_no_room_without_end(tmp_path: Path) -> None:
    with LogSink(tmp_path / "log", ()) as sink:
        for _ in range(40):
            sink.write(b"x" * 64 * 1024)
        (tail,) = sink.tail()
    assert len(tail) == 64 * 1024


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    with LogSink(Path("/dev/full"), ()) as sink:
        sink.note("one")
        sink.write(b"two\n")
        assert sink.tail() == ["two"]
