import os
from dataclasses import replace
from pathlib import Path

import pytest

from euryale.cloud.buildplan.plan import Command
from euryale.cloud.host.procfs import identify
from euryale.cloud.providers.builder.process.dependencies import (
    DependencyStore,
    changed_since,
    install_key,
    made_by_install,
)
from euryale.cloud.providers.builder.process.linking import Owner
from euryale.cloud.providers.builder.process.specification import BuildSpec
from shell_builds import shell_plan

_PLAN = shell_plan(install=("npm ci",), install_key_files=("lock",), install_outputs=("node_modules",))
_SPEC = BuildSpec(_PLAN, "app", {}, (), (), "", 0, ("/toolchains/node-24.1.0/bin",), "", 1.0)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "lock").write_text("1")
    return tmp_path.resolve()


def test_the_same_install_has_the_same_key(work: Path) -> None:
    key = install_key(_SPEC, work)
    assert key is not None
    (work / "source.js").write_text("changed")
    assert install_key(replace(_SPEC, env={"A": "1"}, timeout=2.0), work) == key


@pytest.mark.parametrize(
    "spec",
    [
        replace(_SPEC, toolchain=("/toolchains/node-24.2.0/bin",)),
        replace(_SPEC, provided="euryale @ file:///x"),
        replace(_SPEC, plan=replace(_PLAN, install=(Command("install", "npm ci --omit=dev"),))),
        replace(_SPEC, plan=replace(_PLAN, install_outputs=("node_modules", "app/node_modules"))),
        replace(_SPEC, plan=replace(_PLAN, runtime_version="22")),
    ],
)
def test_whatever_decides_the_install_changes_the_key(spec: BuildSpec, work: Path) -> None:
    assert install_key(spec, work) != install_key(_SPEC, work)


def test_another_lockfile_changes_the_key(work: Path) -> None:
    key = install_key(_SPEC, work)
    (work / "lock").write_text("2")
    assert install_key(_SPEC, work) != key


def test_nothing_is_kept_when_the_key_files_cannot_be_trusted(work: Path) -> None:
    assert install_key(replace(_SPEC, plan=replace(_PLAN, install_key_files=())), work) is None
    assert install_key(replace(_SPEC, plan=replace(_PLAN, install_key_files=("lock", "gone"))), work) is None
    assert install_key(replace(_SPEC, plan=replace(_PLAN, install_key_files=("../lock",))), work) is None
    (work / "lock").unlink()
    (work / "lock").symlink_to("/etc/hostname")
    assert install_key(_SPEC, work) is None


def test_an_output_is_what_really_came_to_be(work: Path) -> None:
    (work / "node_modules").mkdir()
    (work / "linked").symlink_to("node_modules")
    assert made_by_install(work, ("linked", "node_modules", "apps/web/node_modules", "lock")) == (
        "node_modules",
        "lock",
    )


def test_files_and_directories_are_known_to_have_changed(work: Path) -> None:
    written = (work / "lock").stat().st_ctime
    for output in (work / "lock", work):
        assert changed_since(output, written - 1)
        assert not changed_since(output, written)
    assert changed_since(work / "gone", written)


def test_what_a_killed_build_was_about_to_keep_is_deleted(tmp_path: Path) -> None:
    owner = Owner(os.getuid(), os.getgid())
    me = identify(os.getpid())
    assert me is not None
    mine, others, reused = f".a.{me.pid}.{me.ticks}", ".b.4194304.17", f".c.{me.pid}.{me.ticks - 1}"
    for name in (mine, others, reused, "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0").write_text("x")
    DependencyStore(tmp_path, builder=owner, keeper=owner).prune(1_000_000, used=None)
    assert {path.name for path in tmp_path.iterdir()} == {mine, "kept"}
