"""Ranges of versions in npm's notation. Expected values are those of npm's own semver."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from euryale.cloud.buildplan.semver import NpmRange, is_exact


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^20.19 || >=22.12", ["20.19.0", "20.99.0", "22.12.0", "25.0.0"], ["20.18.9", "21.0.0", "22.11.9"]),
        ("^22.1.0", ["22.1.0", "22.9.9"], ["22.0.9", "23.0.0"]),
        ("~22.1", ["22.1.0", "22.1.9"], ["22.2.0", "22.0.9"]),
        ("20.x", ["20.0.0", "20.99.9"], ["19.9.9", "21.0.0"]),
        ("20.*.*", ["20.1.0"], ["21.0.0"]),
        ("20", ["20.0.0", "20.7.1"], ["21.0.0"]),
        ("v20.11.1", ["20.11.1"], ["20.11.2"]),
        ("20.1 - 22", ["20.1.0", "22.99.0"], ["20.0.9", "23.0.0"]),
        (">=20 <23", ["20.0.0", "22.9.9"], ["19.9.9", "23.0.0"]),
        (">= 20.1.0  < 24", ["20.1.0", "23.9.9"], ["20.0.0", "24.0.0"]),
        (">20", ["21.0.0"], ["20.5.0"]),
        ("<=22", ["22.99.0", "1.0.0"], ["23.0.0"]),
        ("*", ["0.0.1", "99.0.0"], []),
        ("", ["1.0.0"], []),
    ],
)
def test_a_range_admits_what_npm_admits(text, inside, outside):
    parsed = NpmRange.parse(text)
    assert [version for version in inside if not parsed.admits(version)] == []
    assert [version for version in outside if parsed.admits(version)] == []


@pytest.mark.parametrize("text", ["lts", "latest", ">=20 <junk", "20.1.2.3.4", "=>20", "x" * 257])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        NpmRange.parse(text)


@pytest.mark.parametrize(
    ("text", "anything"), [("*", True), ("x", True), ("", True), (">=0", True), (">=20", False), ("20 || 22", False)]
)
def test_a_range_that_says_nothing_is_known(text, anything):
    assert NpmRange.parse(text).is_any is anything


numbers = st.integers(0, 4)
versions = st.builds(lambda major, minor, patch: f"{major}.{minor}.{patch}", st.integers(19, 25), numbers, numbers)
partials = st.one_of(
    versions,
    st.builds("{}.{}".format, st.integers(19, 25), numbers),
    st.builds("{}.x".format, st.integers(19, 25)),
    st.integers(19, 25).map(str),
)
comparators = st.builds("{}{}".format, st.sampled_from(["^", "~", ">=", "<=", ">", "<", "=", ""]), partials)
clauses = st.one_of(
    st.lists(comparators, min_size=1, max_size=3).map(" ".join),
    st.builds("{} - {}".format, partials, partials),
)
ranges = st.lists(clauses, min_size=1, max_size=3).map(" || ".join)

GRID = [(minor, patch) for minor in [*range(7), 999_999] for patch in [*range(7), 999_999]]


@settings(max_examples=60, deadline=None)
@given(ranges, st.integers(19, 25))
def test_a_major_is_admitted_in_part_if_and_only_if_one_of_its_releases_is(text, major):
    parsed = NpmRange.parse(text)
    assert parsed.admits_some(major) is any(parsed.admits(f"{major}.{minor}.{patch}") for minor, patch in GRID)


@settings(max_examples=60, deadline=None)
@given(ranges, ranges, versions)
def test_either_side_of_a_bar_is_enough(left, right, version):
    either = NpmRange.parse(f"{left} || {right}").admits(version)
    assert either is (NpmRange.parse(left).admits(version) or NpmRange.parse(right).admits(version))


@settings(max_examples=60, deadline=None)
@given(versions, versions)
def test_a_bound_orders_versions_by_their_numbers(bound, version):
    as_numbers = [tuple(map(int, text.split("."))) for text in (bound, version)]
    assert NpmRange.parse(f">={bound}").admits(version) is (as_numbers[0] <= as_numbers[1])


@pytest.mark.parametrize(
    ("text", "exact"),
    [("10.11.1", True), ("4.0.0-rc.1", True), ("10.11", False), ("^10.11.1", False), ("latest", False), ("", False),
     ("1.2.3 || 4", False), ("1.2.3; rm -rf /", False), ("01.2.3", False), ("\u0661.2.3", False)],
)  # fmt: skip
def test_an_exact_version_is_three_numbers(text, exact):
    assert is_exact(text) is exact


@pytest.mark.parametrize(
    ("text", "major", "some", "latest"),
    [
        (">22.5.1 <22.5.3", 22, True, False),
        (">22.5.1 <22.5.2", 22, False, False),
        (">22.5 <22.6.1", 22, True, False),
        (">=22.4.7 <22.5", 22, True, False),
        ("<22.0.1", 22, True, False),
        (">=22.999999.0", 22, True, True),
        ("22.12 - 24", 24, True, True),
    ],
)
def test_a_narrow_range_is_seen_within_its_major(text, major, some, latest):
    parsed = NpmRange.parse(text)
    assert (parsed.admits_some(major), parsed.admits_latest(major)) == (some, latest)
