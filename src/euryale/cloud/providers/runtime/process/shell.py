"""How a plan's shell line becomes a program and its arguments."""

import re
import shlex

_OPERATORS = frozenset("();<>|&\n")
_SEVERAL = frozenset("();|&\n")
_NOT_A_PROGRAM = frozenset(
    {".", ":", "alias", "break", "case", "cd", "command", "continue", "eval", "exec", "exit", "export", "for", "if"}
    | {"read", "readonly", "return", "set", "shift", "source", "times", "trap", "type", "ulimit", "umask", "unset"}
    | {"until", "wait", "while", "{", "!"}
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def shell_words(line: str) -> list[str]:
    """Return the words that run ``line`` in a shell.

    A line that is one simple command takes the shell's place, so that signals reach it and no idle shell stays.

    Example:
        >>> shell_words("node server.js")
        ['/bin/sh', '-c', 'exec node server.js']
        >>> shell_words("cd app && node server.js")
        ['/bin/sh', '-c', 'cd app && node server.js']
    """
    return ["/bin/sh", "-c", f"exec {line.strip()}" if _is_simple(line.strip()) else line]


def _is_simple(line: str) -> bool:
    if "\n" in line or "`" in line:
        return False
    lexer = shlex.shlex(line, posix=False, punctuation_chars="".join(_OPERATORS - {"\n"}))
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return False  # an open quotation: the shell has the better words for it
    if not tokens or tokens[0] in _NOT_A_PROGRAM or _ASSIGNMENT.match(tokens[0]):
        return False
    return not any(_is_separator(token) for token in tokens)


def _is_separator(token: str) -> bool:
    return set(token) <= _OPERATORS and bool(set(token) & _SEVERAL) and token not in {">&", "<&", ">|"}
