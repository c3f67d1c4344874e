"""What must not appear in a log or an error."""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from euryale.kit.secret import REDACTED, Secret

_SHORTEST = 8
"""Shorter values are found in any text: masking them would hide everything else and protect nothing."""

_PLAIN = frozenset({"production", "development", "localhost", "127.0.0.1"})


def masks_of(env: Mapping[str, Secret]) -> list[str]:
    """Return the strings to mask: each value, the lines of those that have several, and passwords in URLs.

    Longest first, so that a value that holds another one is masked whole.
    """
    found: set[str] = set()
    for secret in env.values():
        value = secret.reveal()
        found.update(line.strip() for line in value.splitlines())
        found.update(_passwords(value))
    return sorted((text for text in found if len(text) >= _SHORTEST and text not in _PLAIN), key=len, reverse=True)


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
