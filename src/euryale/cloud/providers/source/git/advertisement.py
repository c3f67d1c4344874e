"""What a repository tells of its branches before anything is fetched. Pure."""

from collections.abc import Mapping

from euryale.cloud.providers.source.git.names import short_branch

_USUAL = ("main", "master", "trunk")


def parse_advertisement(text: str) -> tuple[str, dict[str, str]]:
    """Read the output of ``git ls-remote --symref <url> HEAD 'refs/heads/*'``.

    Returns:
        The default branch (empty if there is no branch at all), and the branches with their hashes.
    """
    head_branch, head_hash = "", ""
    branches: dict[str, str] = {}
    for line in text.splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: ") and ref == "HEAD":
            head_branch = short_branch(value.removeprefix("ref: "))
        elif ref == "HEAD":
            head_hash = value
        elif ref.startswith("refs/heads/"):
            branches[short_branch(ref)] = value
    return default_branch(branches, named=head_branch, at=head_hash), branches


def default_branch(branches: Mapping[str, str], *, named: str = "", at: str = "") -> str:
    """Return the default branch.

    It is the one that HEAD names; else, for a detached HEAD, one at its commit; else a usual name; else the first.
    """
    if named in branches:
        return named
    candidates = sorted(name for name, commit in branches.items() if commit == at) or sorted(branches)
    usual = [name for name in _USUAL if name in candidates]
    return next(iter([*usual, *candidates]), "")
