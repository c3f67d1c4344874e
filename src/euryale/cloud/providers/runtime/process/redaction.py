"""What must not appear in a log or an error."""

from collections.abc import Iterable, Mapping

from euryale.cloud.providers.masks import looks
from euryale.kit.secret import REDACTED, Secret

_SHORTEST = 8
"""Shorter values are found in any text: masking them would hide everything else and protect nothing."""

_PLAIN = frozenset({"production", "development", "localhost", "127.0.0.1"})


def masks_of(env: Mapping[str, Secret]) -> list[str]:
    """Return the strings to mask, longest first, so that a value that holds another one is masked whole."""
    found = {look for secret in env.values() for look in looks(secret.reveal())}
    return sorted(filter(_is_worth_masking, found), key=len, reverse=True)


def redact(text: str, masks: Iterable[str]) -> str:
    """Return ``text`` with every mask replaced."""
    for mask in masks:
        text = text.replace(mask, REDACTED)
    return text


def _is_worth_masking(text: str) -> bool:
    return len(text) >= _SHORTEST and text not in _PLAIN and not text.isdigit() and "\n" not in text
