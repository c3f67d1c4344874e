"""Google-style docstrings as Markdown."""

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Final

_SECTION: Final = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Example):$")
_ITEM: Final = re.compile(r"^(\*{0,2}\w+): (.*)$")
_PROMPT: Final = re.compile(r"^(>>>|\.\.\.) ?")
_ROLE: Final = re.compile(r":\w+:`~?([^`]+)`")
_TITLES: Final = {"Args": "Arguments"}


def markdown_of(docstring: str) -> str:
    """Return a docstring as Markdown, without an empty line at its end."""
    return "\n\n".join(_section(title, lines) for title, lines in _sections(docstring)).strip()


def _sections(docstring: str) -> Iterator[tuple[str, list[str]]]:
    title, lines = "", list[str]()
    for line in inspect.cleandoc(docstring).splitlines():
        if found := _SECTION.match(line):
            yield title, lines
            title, lines = found[1], []
        else:
            lines.append(line)
    yield title, lines


def _section(title: str, lines: list[str]) -> str:
    body = textwrap.dedent("\n".join(lines)).strip().splitlines()
    match title:
        case "":
            return "\n\n".join(_paragraphs(body))
        case "Example":
            return _example(body)
        case "Returns" | "Yields":
            return f"{title}: {_prose(body)}"
        case _:
            return "\n".join([f"{_TITLES.get(title, title)}:\n", *_items(body)])


def _example(lines: list[str]) -> str:
    """Return an example without its prompts; with them, if it shows what is printed."""
    if any(_PROMPT.match(line) is None for line in lines):
        return "\n".join(["```pycon", *lines, "```"])
    return "\n".join(["```python", *(_PROMPT.sub("", line) for line in lines), "```"])


def _paragraphs(lines: list[str]) -> Iterator[str]:
    for paragraph in "\n".join(lines).split("\n\n"):
        yield _prose(paragraph.splitlines())


def _items(lines: list[str]) -> Iterator[str]:
    item = list[str]()
    for line in [*lines, ""]:
        if item and (not line or _ITEM.match(line)):
            yield _item(item)
            item = []
        if line:
            item.append(line)


def _item(lines: list[str]) -> str:
    found = _ITEM.match(lines[0])
    return f"- `{found[1]}`: {_prose([found[2], *lines[1:]])}" if found else f"- {_prose(lines)}"


def _prose(lines: list[str]) -> str:
    text = " ".join(line.strip() for line in lines)
    return _ROLE.sub(lambda role: f"`{role[1].removeprefix('~').rpartition('euryale.')[2]}`", text).replace("``", "`")
