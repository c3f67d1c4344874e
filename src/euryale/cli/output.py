"""What commands print: JSON documents, tables, lines."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from euryale.cli.wording import STATE_STYLES


def print_json(document: Any) -> None:
    """Print one JSON document on one line; models are written as the API writes them."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def say(text: str = "", *, style: str = "") -> None:
    """Print a line; what it holds is never read as markup, and never wrapped."""
    Console(soft_wrap=True, highlight=False).print(Text(text, style=style))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table; ``empty`` instead if it has no rows."""
    listed = [list(row) for row in rows]
    if not listed:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in listed:
        table.add_row(*(Text(cell, style=STATE_STYLES.get(cell, "")) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 200)
    console.print(table)


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one a line; those without a value are left out."""
    told = [(name, value) for name, value in fields if value]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        first, *more = value.splitlines()
        line = Text(f"{name:<{width}}  ", style="bold") + Text(first, style=STATE_STYLES.get(value, ""))
        Console(soft_wrap=True, highlight=False).print(line)
        for each in more:
            say(f"{'':<{width}}  {each}")
