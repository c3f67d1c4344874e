"""The view of a repository, and which of its files are asked for."""

import pytest

from euryale.cloud.buildplan.detect import plan
from euryale.cloud.buildplan.errors import BadManifestError, RootDirectoryError
from euryale.cloud.buildplan.files import CONTENT_LIMIT, RepositoryFiles, normal_root, relative, wanted


def test_only_what_decides_is_asked_for():
    paths = {
        "README.md", "package.json", "pnpm-lock.yaml", "package-lock.json", "src/index.ts", "Procfile",
        "apps/api/package.json", "apps/api/medusa-config.ts", "apps/api/.nvmrc", "apps/web/package.json",
        "apps/web/.nvmrc", "node_modules/x/package.json", "apps/api/node_modules/y/package.json",
    }  # fmt: skip
    assert wanted(paths, "apps/api") == {
        "package.json", "pnpm-lock.yaml", "Procfile", "apps/api/package.json", "apps/api/medusa-config.ts",
        "apps/api/.nvmrc", "apps/web/package.json",
    }  # fmt: skip


def test_the_number_of_manifests_asked_for_is_bounded_and_the_outer_ones_come_first():
    paths = {f"packages/p{number:04}/package.json" for number in range(2000)} | {"package.json"}
    asked = wanted(paths)
    assert len(asked) == 400
    assert "package.json" in asked


@pytest.mark.parametrize(
    "root", ["..", "a/../..", "a/../b", "/", "/etc", "//a", "a\\b", "a\nb", "a\0b", "\u202ea", "../repository"]
)
def test_a_root_directory_outside_of_the_repository_is_refused(root):
    with pytest.raises(RootDirectoryError, match="is not inside of the repository"):
        wanted({"package.json"}, root)
    with pytest.raises(RootDirectoryError, match="is not inside of the repository"):
        plan(RepositoryFiles({"package.json": 2}, {"package.json": b"{}"}), root=root)


@pytest.mark.parametrize(("root", "normal"), [("", "."), (".", "."), ("./a/", "a"), ("a//b", "a/b"), ("a/./b", "a/b")])
def test_a_root_directory_has_one_spelling(root, normal):
    assert normal_root(root) == normal


@pytest.mark.parametrize(
    ("target", "start", "way"),
    [("a", "a", "."), (".", "a/b", "../.."), ("a", "a/b/c", "../.."), ("a/b/c", "a", "b/c"), ("a", ".", "a")],
)
def test_the_way_between_directories(target, start, way):
    assert relative(target, start) == way


def test_there_is_no_way_between_directories_side_by_side():
    with pytest.raises(ValueError, match="a"):
        relative("a", "b")


def test_a_view_does_not_change_with_what_it_was_made_of():
    paths, contents = {"package.json": 2}, {"package.json": b"{}"}
    files = RepositoryFiles(paths, contents)
    paths["more"] = 1
    contents["package.json"] = b"[]"
    assert files.text("package.json") == "{}"
    assert not files.has("more")
    with pytest.raises(TypeError):
        files.paths["x"] = 1


def test_a_text_is_decoded_without_its_mark():
    assert RepositoryFiles({"a": 5}, {"a": b"\xef\xbb\xbfhi"}).text("a") == "hi"


@pytest.mark.parametrize(
    ("size", "content", "message"),
    [
        (CONTENT_LIMIT + 1, b"{", "package.json has 2097153 bytes; at most 2097152 are read."),
        (1, b"\xff", "package.json is not UTF-8 text"),
        (1, b"\0", "package.json holds a NUL byte"),
    ],
)
def test_a_file_that_is_no_text_is_refused(size, content, message):
    with pytest.raises(BadManifestError, match=message) as caught:
        plan(RepositoryFiles({"package.json": size}, {"package.json": content}))
    assert caught.value.file == "package.json"


def test_a_content_that_was_not_handed_over_is_the_callers_mistake():
    with pytest.raises(LookupError, match=r"the content of package\.json was not handed over"):
        plan(RepositoryFiles({"package.json": 2}, {}))
