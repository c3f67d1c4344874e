"""The reference of the engine's interface shows all that is exported, and says what the code says."""

import ast
import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from api_reference import exported, render, shown
from docstring_markdown import markdown_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "workflows.md"


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text("utf-8") == render(), "run scripts/docs"


def test_everything_that_is_exported_is_shown_once():
    assert shown() == exported()
    titles = [line for line in render().splitlines() if line.startswith("#")]
    assert len(titles) == len(set(titles))


def test_each_name_can_be_imported_from_where_it_says():
    names = [section.split("`")[1] for section in render().split("\n### ")[1:]]
    places = [re.search(r"^From `(.*)`\.$", section, re.MULTILINE) for section in render().split("\n### ")[1:]]
    homes = [place[1] if place else "euryale.workflows" for place in places]
    assert [each for each in zip(names, homes, strict=True) if not hasattr(import_module(each[1]), each[0])] == []
    assert ("History", "euryale.workflows.history") in zip(names, homes, strict=True)


def test_signatures_and_examples_are_python():
    blocks = [each.removeprefix("python\n") for each in render().split("```")[1::2] if each.startswith("python\n")]
    assert len(blocks) > len(exported())
    assert [each for each in blocks if not is_python(each.rstrip())] == []


def is_python(text: str) -> bool:
    """Whether it is a statement, or the head of a function, whose ``def`` a class does without."""
    for each in (text, f"{text}: ...", f"def {text}: ..."):
        with suppress(SyntaxError):
            ast.parse(each)
            return True
    return False


def test_what_an_example_prints_stays_apart_from_what_is_written():
    assert markdown_of("Add.\n\nExample:\n    >>> 1 + 1\n    2") == "Add.\n\n```pycon\n>>> 1 + 1\n2\n```"


def test_a_docstring_becomes_markdown():
    docstring = """Do it; see :meth:`Engine.run` and ``x``.

    Args:
        first: One,
            which goes on.
        second: Two.

    Returns:
        A number,
        or none.

    Example:
        >>> with it:
        ...     do(1)
    """
    assert markdown_of(docstring) == (
        "Do it; see `Engine.run` and `x`.\n\n"
        "Arguments:\n\n- `first`: One, which goes on.\n- `second`: Two.\n\n"
        "Returns: A number, or none.\n\n"
        "```python\nwith it:\n    do(1)\n```"
    )
