import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from euryale.cloud.providers.source.git.tree import Entry, leads_out, parse_listing


def test_a_listing_is_read_with_odd_names_and_submodules():
    records = (
        b"100644 blob aa       3\ta b\tc",
        b"100755 blob bb 12345678901\tx\n\xff",
        b"120000 blob cc       1\tl",
        b"160000 commit dd       -\tsub",
    )
    output = b"".join(record + b"\0" for record in records)
    assert parse_listing(output) == [
        Entry("100644", "aa", 3, b"a b\tc"),
        Entry("100755", "bb", 12345678901, b"x\n\xff"),
        Entry("120000", "cc", 1, b"l"),
        Entry("160000", "dd", 0, b"sub"),
    ]
    assert [(entry.regular, entry.link) for entry in parse_listing(output)] == [
        (True, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    assert parse_listing(b"") == []


@pytest.mark.parametrize(
    ("links", "out"),
    [
        ({b"l": b"a"}, False),
        ({b"l": b"."}, False),
        ({b"l": b""}, False),
        ({b"d/l": b"../a"}, False),
        ({b"l": b"/etc/passwd"}, True),
        ({b"l": b".."}, True),
        ({b"l": b"d/../../a"}, True),
        ({b"d/e/up": b"../..", b"l": b"d/e/up/a"}, False),
        ({b"d/e/up": b"../..", b"l": b"d/e/up/../a"}, True),
        ({b"l": b"l"}, True),
        ({b"l": b"m", b"m": b"l"}, True),
    ],
)
def test_links_are_followed_through_links(links, out):
    assert leads_out(b"l" if b"l" in links else b"d/l", links) is out


NAMES = st.sampled_from(["a", "b", "c"])
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=6).map("/".join)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), TARGETS, min_size=1, max_size=5))
def test_a_link_that_stays_by_our_reckoning_stays_on_disk(wanted):
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve() / "deep" / "root"
        root.mkdir(parents=True)
        links = {}
        for name, target in wanted.items():
            path = root / name
            inside = [root / Path(*Path(name).parts[:depth]) for depth in range(1, len(Path(name).parts) + 1)]
            if any(each.is_symlink() or (each.exists() and not each.is_dir()) for each in inside) or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
            links[name.encode()] = target.encode()
        for name in links:
            if not leads_out(name, links):
                assert (root / name.decode()).resolve().is_relative_to(root)
