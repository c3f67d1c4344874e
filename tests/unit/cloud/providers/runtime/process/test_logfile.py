from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from euryale.cloud.providers.runtime.process import logfile
from euryale.cloud.providers.runtime.process.logfile import LogFile
from euryale.kit.secret import REDACTED

SECRET = "s3cret-value"


def test_mask_is_the_one_of_the_kit() -> None:
    assert logfile.REDACTED == REDACTED


def test_secret_in_pieces_is_masked(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log", [SECRET])
    for byte in f"before {SECRET} after\nnext".encode():
        log.write(bytes([byte]))
    assert (tmp_path / "log").read_text() == "before [redacted] after\n"
    log.flush()
    assert (tmp_path / "log").read_text() == "before [redacted] after\nnext\n"


@settings(deadline=None)
@given(position=st.integers(0, 140_000), piece=st.integers(1, 70_000))
def test_secret_in_an_endless_line_is_masked(tmp_path_factory: object, position: int, piece: int) -> None:
    path: Path = tmp_path_factory.mktemp("log") / "log"  # type: ignore[attr-defined]
    text = ("x" * position + SECRET + "x" * (140_000 - position)).encode()
    log = LogFile(path, [SECRET])
    for begin in range(0, len(text), piece):
        log.write(text[begin : begin + piece])
    log.flush()
    assert path.read_text() == text.decode().replace(SECRET, REDACTED) + "\n"


def test_log_that_is_too_large_begins_anew(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log", [], limit=100)
    for number in range(40):
        log.write(f"line {number}\n".encode())
    old, new = (tmp_path / "log.1").read_text(), (tmp_path / "log").read_text()
    assert (old + new).endswith("line 38\nline 39\n")
    assert len(old) < 120
    assert len(new) < 120
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "log.1"]


def test_log_that_cannot_be_written_loses_lines_and_no_more(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "missing" / "log", [])
    log.write(b"lost\n")
    (tmp_path / "missing").mkdir()
    log.note("kept")
    assert (tmp_path / "missing" / "log").read_text() == "[euryale] kept\n"
