import subprocess

import pytest

from euryale.cloud.providers.runtime.process.shell import shell_words

SIMPLE = [
    "node server.js",
    "  npm run start  ",
    'python3 -c "a; b && c"',
    "server --port $PORT > log 2>&1",
    "echo 'a|b'",
]
COMPOUND = [
    "cd app && node server.js",
    "a; b",
    "a | b",
    "a & wait",
    "(a)",
    "NODE_ENV=x node server.js",
    "if true; then a; fi",
    "export A=1",
    "echo `a`",
    "a\nb",
    "echo 'open",
    "a || b",
    "",
]


@pytest.mark.parametrize("line", SIMPLE)
def test_a_simple_command_takes_the_place_of_the_shell(line: str) -> None:
    assert shell_words(line) == ["/bin/sh", "-c", f"exec {line.strip()}"]


@pytest.mark.parametrize("line", COMPOUND)
def test_any_other_line_is_left_to_the_shell(line: str) -> None:
    assert shell_words(line) == ["/bin/sh", "-c", line]


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("echo a && echo b", "a\nb\n"),
        ("X=1 sh -c 'echo $X'", "1\n"),
        ("echo 'a;b'", "a;b\n"),
        ("echo a >&2; echo b", "b\n"),
    ],
)
def test_lines_mean_what_they_say(line: str, output: str) -> None:
    result = subprocess.run(shell_words(line), capture_output=True, text=True, check=True)
    assert result.stdout == output
