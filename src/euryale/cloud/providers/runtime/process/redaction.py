"""What must not appear in a log or an error."""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

from euryale.kit.secret import REDACTED, Secret

_SHORTEST = 8
"""Shorter values are found in any text: masking them would hide everything else and protect nothing."""

_PLAIN = frozenset({"production", "development", "localhost", "127.0.0.1"})


def masks_of(env: Mapping[str, Secret]) -> list[str]:
    """Return the strings to mask: each value, its lines, what it looks like in JSON or in a URL, and passwords in URLs.

    Longest first, so that a value that holds another one is masked whole.
    """
    found: set[str] = set()
    for secret in env.values():
        for value in (secret.reveal(), *_passwords(secret.reveal())):
            found.update(line.strip() for line in value.splitlines())
            found.update((json.dumps(value)[1:-1], quote(value, safe="")))
    return sorted(filter(_is_worth_masking, found), key=len, reverse=True)


def redact(text: str, masks: Iterable[str]) -> str:
    """Return ``text`` with every mask replaced."""
    for mask in masks:
        text = text.replace(mask, REDACTED)
    return text


def _passwords(value: str) -> tuple[str, ...]:
    try:
        password = urlsplit(value).password
    except ValueError:
        return ()
    return (password, unquote(password)) if password else ()


def _is_worth_masking(text: str) -> bool:
    return len(text) >= _SHORTEST and text not in _PLAIN and not text.isdigit() and "\n" not in text
