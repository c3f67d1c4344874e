"""Patterns of directories, and the order of a workspace's builds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.cloud.buildplan.manifest import NodeManifest
from euryale.cloud.buildplan.workspace import built_before, matches, selects


@pytest.mark.parametrize(
    ("pattern", "directory", "expected"),
    [
        ("apps/*", "apps/api", True),
        ("apps/*", "apps/api/deep", False),
        ("apps/*", "apps", False),
        ("./apps/*/", "apps/api", True),
        ("apps/**", "apps/a/b/c", True),
        ("**/lib", "lib", True),
        ("**/lib", "a/b/lib", True),
        ("packages/@*/*", "packages/@org/lib", True),
        ("web", "web", True),
        ("web", "website", False),
        ("*", "web", True),
        ("a?i", "api", True),
    ],
)
def test_a_pattern_selects_as_the_managers_do(pattern, directory, expected):
    assert matches(pattern, directory) is expected


def test_a_later_exclamation_mark_takes_out():
    assert selects(["apps/*", "!apps/old"], "apps/new")
    assert not selects(["apps/*", "!apps/old"], "apps/old")


def test_a_hostile_pattern_takes_no_longer():
    assert not matches("/".join(["**", "a"] * 100), "/".join(["a"] * 999 + ["b"]))


@given(st.lists(st.text("ab.-", min_size=1, max_size=3).filter(lambda name: name != "."), min_size=1, max_size=5))
def test_a_directory_matches_itself_and_any_depth(names):
    directory = "/".join(names)
    assert matches(directory, directory)
    assert matches("**", directory)
    assert matches("/".join("*" for _ in names), directory)
    assert not matches("/".join("*" for _ in [*names, "more"]), directory)


def member(name, *needs, build=True):
    scripts = {"build": "tsc"} if build else {}
    return NodeManifest(f"{name}/package.json", name, scripts, dict.fromkeys(needs, "*"), {}, {}, None, ())


def test_what_is_depended_on_is_built_before():
    packages = {
        "app": member("app", "ui", "config", "react"),
        "ui": member("ui", "core"),
        "core": member("core"),
        "config": member("config", build=False),
        "other": member("other"),
    }
    assert built_before("app", packages) == ("core", "ui")


def test_a_ring_of_dependencies_ends():
    packages = {"a": member("a", "b"), "b": member("b", "c"), "c": member("c", "a", "b")}
    assert built_before("a", packages) == ("c", "b")


def test_a_long_chain_needs_no_recursion():
    packages = {f"p{number}": member(f"p{number}", f"p{number + 1}") for number in range(3000)}
    assert built_before("p0", packages)[-1] == "p1"
