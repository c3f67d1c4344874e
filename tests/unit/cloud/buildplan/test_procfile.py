"""Procfiles, and the quoting of what they say."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from euryale.cloud.buildplan.errors import BadManifestError, NoStartCommandError
from euryale.cloud.buildplan.procfile import in_path, is_single, procfile_processes, procfile_release, read_procfile
from repositories import repository


def test_each_line_is_a_process_and_web_is_the_first():
    files = repository({"Procfile": "# what runs\nclock: python c.py\nrelease: ./migrate\n\nweb : uvicorn a:b\r\n"})
    lines = read_procfile(files, ".")
    assert lines == {"clock": "python c.py", "release": "./migrate", "web": "uvicorn a:b"}
    assert [process.name for process in procfile_processes(lines, ".", "$PWD/bin")] == ["web", "clock"]
    assert [command.line for command in procfile_release(lines, ".", "$PWD/bin")] == [
        "export PATH=\"$PWD/bin:$PATH\"; exec /bin/sh -c 'exec ./migrate'"
    ]


def test_without_a_procfile_there_is_nothing():
    assert read_procfile(repository({"a": ""}), ".") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web uvicorn a:b", "Procfile, line 1: write it as `name: command`."),
        ("web:", "Procfile, line 1: write it as `name: command`."),
        ("web: a\n$(x): b", "Procfile, line 2: write it as `name: command`."),
        ("web: a\x1bb", "Procfile, line 1: write it as `name: command`."),
        ("web: a\nweb: b", "Procfile, line 2: 'web' is there twice."),
    ],
)
def test_a_line_that_is_none_is_refused(text, message):
    with pytest.raises(BadManifestError) as caught:
        read_procfile(repository({"Procfile": text}), ".")
    assert str(caught.value) == message


def test_a_procfile_without_web_is_refused():
    with pytest.raises(NoStartCommandError, match=r"Procfile has no `web` process\. Add a line like `web:") as caught:
        read_procfile(repository({"Procfile": "worker: x"}), ".")
    assert caught.value.file == "Procfile"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_what_a_repository_wrote_stays_one_word(written):
    words = shlex.split(in_path("$PWD/bin", written))
    assert words[:5] == ["export", "PATH=$PWD/bin:$PATH;", "exec", "/bin/sh", "-c"]
    assert words[5:] in ([written], [f"exec {written}"])


@settings(max_examples=10, deadline=None)
@given(st.text("abc'\"$`\\;&| ()<>*", min_size=1, max_size=12))
def test_a_real_shell_hands_it_on_unchanged(written):
    line = in_path("$PWD/bin", f"echo {shlex.quote(written)} && :")
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True, text=True)
    plain = subprocess.run(
        ["/bin/sh", "-c", f"echo {shlex.quote(written)}"], capture_output=True, check=True, text=True
    )
    assert done.stdout == plain.stdout


@pytest.mark.parametrize(
    ("written", "single"),
    [
        ("node server.js", True),
        ("uvicorn main:app --port $PORT", True),
        ("./run > log 2>/dev/null", True),
        ("cd app && node server.js", False),
        ("PORT=1 node server.js", False),
        ("export A=1", False),
        ("node a | tee log", False),
        ("echo `id`", False),
        ("echo $(id)", False),
        ("# nothing", False),
    ],
)
def test_one_program_is_told_from_several(written, single):
    assert is_single(written) is single
