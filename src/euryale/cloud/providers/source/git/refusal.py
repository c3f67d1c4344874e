"""What git wrote on its standard error, translated into the errors of the contract. Pure."""

import re
from typing import Final

from euryale.cloud.providers.errors import (
    AccessDeniedError,
    PermanentError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from euryale.cloud.providers.source.contract import InvalidRepositoryError, UnknownRefError, UnknownRepositoryError
from euryale.cloud.providers.source.git.address import without_credentials

_RATE_LIMIT_SECONDS = 60.0
_MAX_DETAIL = 400
_NOISE = re.compile(r"^(?:Cloning into|warning:|hint:|Please make sure|and the repository exists)")

_KINDS: Final[tuple[tuple[type[ProviderError], str, tuple[str, ...]], ...]] = (
    (
        UnknownRefError,
        "No such commit or branch in",
        ("not our ref", "couldn't find remote ref", "unadvertised object"),
    ),
    (
        ProviderUnavailableError,
        "The disk is full; cannot fetch",
        ("no space left on device", "disk quota exceeded"),
    ),
    (
        InvalidRepositoryError,
        "Git may not reach",
        ("transport '.*' not allowed", "protocol '.*' is not supported"),
    ),
    (
        ProviderUnavailableError,
        "The host name is not known of",
        ("could not resolve", "name or service not known", "temporary failure in name", "unable to look up"),
    ),
    (
        ProviderUnavailableError,
        "No answer from",
        (
            "failed to connect",
            "couldn't connect",
            "unable to connect",
            "connection (?:refused|reset|timed out|closed)",
            "network is unreachable",
            "no route to host",
            "operation (?:timed out|too slow)",
            "empty reply",
            r"returned error: (?:5\d\d|408|425)",
            "ssl_error_syscall",
            "gnutls_handshake",
            "recv failure",
        ),
    ),
    (
        PermanentError,
        "The certificate is not trusted of",
        ("ssl certificate problem", "certificate verification failed", "server certificate"),
    ),
    (
        AccessDeniedError,
        "The platform has no access to",
        (
            "authentication failed",
            "could not read (?:username|password)",
            "returned error: 40[13]",
            "permission denied",
            "host key verification failed",
            "invalid credentials",
            "access denied(?! or repository)",
        ),
    ),
    (
        UnknownRepositoryError,
        "There is no Git repository at",
        (
            "repository .*not found",
            "does not appear to be a git repository",
            "not a git repository",
            "returned error: 404",
            "repository not exported",
            "is this a git repository",
            "no such file or directory",
            "project you were looking for",
        ),
    ),
)


def refusal(stderr: str, shown: str) -> ProviderError:
    """Return the error that git's words mean.

    Args:
        stderr: What git wrote.
        shown: The address without credentials, for the message.

    Returns:
        ``ProviderUnavailableError`` for anything that is not recognised: it may be worth another try.
    """
    detail = _detail(stderr)
    if re.search(r"returned error: 429|too many requests|rate limit", stderr, re.IGNORECASE):
        return RateLimitedError(f"Too many requests to {shown}: {detail}", retry_after=_RATE_LIMIT_SECONDS)
    for kind, summary, patterns in _KINDS:
        if re.search("|".join(patterns), stderr, re.IGNORECASE):
            return kind(f"{summary} {shown}: {detail}")
    return ProviderUnavailableError(f"git failed at {shown}: {detail}")


def _detail(stderr: str) -> str:
    lines = [line.strip() for line in without_credentials(stderr).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    kept = telling or [line for line in lines if not _NOISE.match(line)] or ["it gave no reason"]
    return " / ".join(kept)[:_MAX_DETAIL]
