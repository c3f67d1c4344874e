"""Node repositories that are not built: the kind of refusal, its whole message, and the file it names."""

import pytest

from euryale.cloud.buildplan import errors
from euryale.cloud.buildplan.detect import plan
from repositories import PACKAGE_LOCK, PNPM_LOCK, YARN_1_LOCK, berry_lock, repository

APP = {"scripts": {"start": "node ."}}
LOCK = {"package-lock.json": PACKAGE_LOCK}
WORKSPACE = {"package.json": {"workspaces": ["packages/*"]}, "package-lock.json": PACKAGE_LOCK}
NODE_MODULES = {".yarnrc.yml": "nodeLinker: node-modules"}


def asking(manager):
    return {"package.json": {**APP, "packageManager": manager}}


def engines(**ranges):
    return {"package.json": {**APP, "engines": ranges}}


REFUSALS = [
    pytest.param(
        {"README.md": "hi"},
        errors.NoManifestError,
        "package.json",
        "There is no application in '.': neither package.json nor pyproject.toml nor requirements.txt. "
        "Add one of them, or set the right root directory.",
        id="no-manifest",
    ),
    pytest.param(
        {"README.md": "hi", "apps/shop/medusa-config.ts": ""},
        errors.NoManifestError,
        "package.json",
        "There is no application in '.': neither package.json nor pyproject.toml nor requirements.txt. Add one of "
        "them, or set the right root directory. There is a Medusa application in 'apps/shop': is that the root "
        "directory?",
        id="no-manifest-but-medusa-elsewhere",
    ),
    pytest.param(
        {"package.json": APP, "requirements.txt": ""},
        errors.AmbiguousLanguageError,
        "package.json",
        "'.' holds a Node project (package.json) and a Python project. Choose the preset node or python.",
        id="two-languages",
    ),
    pytest.param(
        {"package.json": APP},
        errors.NoLockfileError,
        "package-lock.json",
        "There is no lockfile, so what package.json asks for is not pinned. "
        "Run `npm install` and commit package-lock.json.",
        id="no-lockfile",
    ),
    pytest.param(
        asking("pnpm@9.1.0"),
        errors.NoLockfileError,
        "pnpm-lock.yaml",
        "There is no lockfile, so what package.json asks for is not pinned. "
        "Run `pnpm install` and commit pnpm-lock.yaml.",
        id="no-lockfile-of-the-manager-asked-for",
    ),
    pytest.param(
        engines(yarn=">=1"),
        errors.NoLockfileError,
        "yarn.lock",
        "There is no lockfile, so what package.json asks for is not pinned. Run `yarn install` and commit yarn.lock.",
        id="no-lockfile-of-the-manager-in-engines",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": YARN_1_LOCK, **LOCK},
        errors.ConflictingLockfilesError,
        "package-lock.json",
        "There are lockfiles of several package managers: package-lock.json, yarn.lock. "
        'Keep one of them, or name the manager in "packageManager" in package.json.',
        id="several-lockfiles",
    ),
    pytest.param(
        {**asking("pnpm@9.1.0"), **LOCK},
        errors.LockfileMismatchError,
        "pnpm-lock.yaml",
        "package.json packageManager says pnpm, but there is only package-lock.json. "
        "Run `pnpm install` and commit pnpm-lock.yaml, or change packageManager.",
        id="lockfile-of-another-manager",
    ),
    pytest.param(
        {**asking("yarn@4.1.0"), "yarn.lock": YARN_1_LOCK, **NODE_MODULES},
        errors.LockfileMismatchError,
        "yarn.lock",
        "package.json packageManager says yarn 4.1.0, but yarn.lock was written by yarn 1. "
        "Run `yarn install` with yarn 4.1.0 and commit yarn.lock.",
        id="lockfile-of-yarn-1",
    ),
    pytest.param(
        {**asking("yarn@1.22.22"), "yarn.lock": berry_lock()},
        errors.LockfileMismatchError,
        "yarn.lock",
        "package.json packageManager says yarn 1.22.22, but yarn.lock was written by yarn 2 or later. "
        "Run `yarn install` with yarn 1.22.22 and commit yarn.lock.",
        id="lockfile-of-yarn-4",
    ),
    pytest.param(
        {"package.json": APP, "bun.lock": "{}"},
        errors.UnsupportedManagerError,
        "bun.lock",
        "bun.lock is bun's, which is not supported; npm, yarn (1 to 4) and pnpm are. "
        "Install with one of these, and commit its lockfile instead of bun.lock.",
        id="bun-lockfile",
    ),
    pytest.param(
        {**asking("bun@1.2.0"), **LOCK},
        errors.UnsupportedManagerError,
        "package.json",
        "package.json packageManager names 'bun', which is not supported; npm, yarn (1 to 4) and pnpm are. "
        "Name one of these, and commit its lockfile.",
        id="bun-asked-for",
    ),
    pytest.param(
        {**asking("pnpm@latest"), "pnpm-lock.yaml": PNPM_LOCK},
        errors.UnsupportedManagerError,
        "package.json",
        "package.json packageManager is 'pnpm@latest', which is no exact version. Write it like \"pnpm@10.11.1\".",
        id="no-exact-version",
    ),
    pytest.param(
        {**asking("pnpm@9.1.0;id"), "pnpm-lock.yaml": PNPM_LOCK},
        errors.UnsupportedManagerError,
        "package.json",
        "package.json packageManager is 'pnpm@9.1.0;id', which is no exact version. Write it like \"pnpm@10.11.1\".",
        id="injection-in-the-version",
    ),
    pytest.param(
        {"package.json": APP, "pnpm-lock.yaml": "lockfileVersion: '77.0'\n"},
        errors.UnsupportedManagerError,
        "pnpm-lock.yaml",
        "pnpm-lock.yaml has lockfileVersion 77.0, which no known pnpm writes. "
        'Name the version in "packageManager" in package.json.',
        id="unknown-pnpm-format",
    ),
    pytest.param(
        {"package.json": APP, "pnpm-lock.yaml": "packages: {}\n"},
        errors.BadManifestError,
        "pnpm-lock.yaml",
        "pnpm-lock.yaml does not say its lockfileVersion. Run `pnpm install` and commit it anew.",
        id="pnpm-lockfile-without-version",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(99), **NODE_MODULES},
        errors.UnsupportedManagerError,
        "yarn.lock",
        'yarn.lock is of a format that no known yarn writes. Name the version in "packageManager" in package.json.',
        id="unknown-yarn-format",
    ),
    pytest.param(
        {**engines(pnpm="8"), "pnpm-lock.yaml": PNPM_LOCK},
        errors.NoRuntimeVersionError,
        "package.json",
        "package.json engines.pnpm is '8', but pnpm-lock.yaml (lockfileVersion 9.0) is for pnpm 9 or 10 or 11. "
        'Name the exact version in "packageManager".',
        id="engines-against-the-lockfile",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock()},
        errors.UnsupportedLinkerError,
        ".yarnrc.yml",
        "Yarn's 'pnp' linker leaves the packages outside of the application. "
        'Set "nodeLinker: node-modules" in .yarnrc.yml, run `yarn install` and commit yarn.lock.',
        id="plug-n-play",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(), ".yarnrc.yml": "yarnPath: ../../bin/yarn.cjs"},
        errors.BadManifestError,
        ".yarnrc.yml",
        ".yarnrc.yml: yarnPath is '../../bin/yarn.cjs', which is no file of the repository. "
        "Commit that file, or remove yarnPath.",
        id="vendored-yarn-outside",
    ),
    pytest.param(
        {**engines(node=">=26"), **LOCK},
        errors.NoRuntimeVersionError,
        "package.json",
        "package.json engines.node is '>=26', but the supported versions of Node are 20, 22, 24. "
        "Change it to admit one of these.",
        id="no-node-in-engines",
    ),
    pytest.param(
        {"package.json": APP, **LOCK, ".nvmrc": "lts/hydrogen"},
        errors.NoRuntimeVersionError,
        ".nvmrc",
        ".nvmrc says 'lts/hydrogen', but the supported versions of Node are 20, 22, 24. "
        "Change it to admit one of these.",
        id="no-node-in-nvmrc",
    ),
    pytest.param(
        {"package.json": APP, **LOCK, ".nvmrc": "soon"},
        errors.BadManifestError,
        ".nvmrc",
        ".nvmrc says 'soon', which is no version of Node. Write 22.",
        id="nvmrc-without-version",
    ),
    pytest.param(
        {**engines(node="new"), **LOCK},
        errors.BadManifestError,
        "package.json",
        "package.json engines.node is 'new', which is no range of versions. Write it like \">=22\".",
        id="engines-without-range",
    ),
    pytest.param(
        {"package.json": '{"name": }'},
        errors.BadManifestError,
        "package.json",
        "package.json is not valid JSON: Expecting value, line 1 column 10.",
        id="no-json",
    ),
    pytest.param(
        {"package.json": "[" * 100_000},
        errors.BadManifestError,
        "package.json",
        "package.json is nested too deeply.",
        id="json-bomb",
    ),
    pytest.param(
        {"package.json": '{"version": ' + "1" * 5000 + "}"},
        errors.BadManifestError,
        "package.json",
        "package.json holds a number that is too long.",
        id="json-number",
    ),
    pytest.param(
        {"package.json": "[1]"},
        errors.BadManifestError,
        "package.json",
        "package.json must be a JSON object, not list.",
        id="no-object",
    ),
    pytest.param(
        {"package.json": {"scripts": ["build"]}},
        errors.BadManifestError,
        "package.json",
        "package.json: 'scripts' must be a table, not list.",
        id="no-table",
    ),
    pytest.param(
        {"package.json": {"packageManager": 9}},
        errors.BadManifestError,
        "package.json",
        "package.json: 'packageManager' must be a line of text.",
        id="no-text",
    ),
    pytest.param(
        {"package.json": {"workspaces": "apps"}},
        errors.BadManifestError,
        "package.json",
        "package.json: 'workspaces' must be a list of directories.",
        id="no-list",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(), ".yarnrc.yml": "a: ["},
        errors.BadManifestError,
        ".yarnrc.yml",
        ".yarnrc.yml is not valid YAML: while parsing a flow node expected the node content, but found '<stream end>' "
        'in "<unicode string>", line 1, column 5: a: [ ^.',
        id="no-yaml",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(), ".yarnrc.yml": "a: !!bool x"},
        errors.BadManifestError,
        ".yarnrc.yml",
        ".yarnrc.yml is not valid YAML: 'x'.",
        id="yaml-bool",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(), ".yarnrc.yml": "a: !!int ''"},
        errors.BadManifestError,
        ".yarnrc.yml",
        ".yarnrc.yml is not valid YAML: string index out of range.",
        id="yaml-int",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(), ".yarnrc.yml": "a: !!timestamp x"},
        errors.BadManifestError,
        ".yarnrc.yml",
        ".yarnrc.yml is not valid YAML: 'NoneType' object has no attribute 'groupdict'.",
        id="yaml-timestamp",
    ),
    pytest.param(
        {"package.json": APP, "yarn.lock": berry_lock(), ".yarnrc.yml": "#" * 70_000},
        errors.BadManifestError,
        ".yarnrc.yml",
        ".yarnrc.yml is larger than 65536 characters.",
        id="large-yaml",
    ),
    pytest.param(
        {"package.json": {"name": "x"}, **LOCK},
        errors.NoStartCommandError,
        "package.json",
        "Nothing says how to start the application in '.'. "
        'Add a "start" script to package.json, or a Procfile with a `web` line.',
        id="no-start",
    ),
]

IN_DIRECTORY = [
    pytest.param(
        {**WORKSPACE, "apps/api/package.json": APP},
        errors.NotInWorkspaceError,
        "package.json",
        "package-lock.json does not cover 'apps/api', which is in no workspace of package.json. "
        "List 'apps/api' there, or commit a lockfile in it.",
        id="no-member",
    ),
    pytest.param(
        {"package.json": {}, "pnpm-lock.yaml": PNPM_LOCK, "apps/api/package.json": APP},
        errors.NotInWorkspaceError,
        "pnpm-workspace.yaml",
        "pnpm-lock.yaml does not cover 'apps/api', which is in no workspace of pnpm-workspace.yaml. "
        "List 'apps/api' there, or commit a lockfile in it.",
        id="no-member-of-pnpm",
    ),
    pytest.param(
        {**LOCK, "apps/api/package.json": APP},
        errors.LockfileMismatchError,
        "package.json",
        "package-lock.json has no package.json beside it. Add it.",
        id="lockfile-without-manifest",
    ),
    pytest.param(
        {
            "package.json": {"workspaces": {"packages": ["apps/*"]}},
            **LOCK,
            "apps/api/package.json": APP,
            "apps/api/package-lock.json": PACKAGE_LOCK,
        },
        errors.ConflictingLockfilesError,
        "apps/api/package-lock.json",
        "'apps/api' is in the workspace of package-lock.json and has apps/api/package-lock.json of its own. "
        "Remove apps/api/package-lock.json, or take 'apps/api' out of the workspace.",
        id="member-with-a-lockfile",
    ),
    pytest.param(
        {
            "package.json": {},
            "pnpm-lock.yaml": PNPM_LOCK,
            "pnpm-workspace.yaml": "packages: ['apps/*']",
            "apps/api/package.json": APP,
            "apps/api/package-lock.json": PACKAGE_LOCK,
        },
        errors.ConflictingLockfilesError,
        "apps/api/package-lock.json",
        "'apps/api' is in the workspace of pnpm-lock.yaml and has apps/api/package-lock.json of its own. "
        "Remove apps/api/package-lock.json, or take 'apps/api' out of the workspace.",
        id="member-with-a-lockfile-of-another-manager",
    ),
    pytest.param(
        {"package.json": APP, **LOCK},
        errors.RootDirectoryError,
        "apps/api",
        "The root directory 'apps/api' is not there. Set the directory that holds the application.",
        id="no-such-directory",
    ),
    pytest.param(
        {"apps/api": "a file"},
        errors.RootDirectoryError,
        "apps/api",
        "The root directory 'apps/api' is not there. Set the directory that holds the application.",
        id="a-file-is-no-directory",
    ),
]


@pytest.mark.parametrize(("files", "kind", "file", "message"), REFUSALS)
def test_a_repository_is_refused(files, kind, file, message):
    with pytest.raises(errors.BuildRefusedError) as caught:
        plan(repository(files))
    assert (type(caught.value), caught.value.file, str(caught.value)) == (kind, file, message)


@pytest.mark.parametrize(("files", "kind", "file", "message"), IN_DIRECTORY)
def test_a_root_directory_is_refused(files, kind, file, message):
    with pytest.raises(errors.BuildRefusedError) as caught:
        plan(repository(files, "apps/api"), root="apps/api")
    assert (type(caught.value), caught.value.file, str(caught.value)) == (kind, file, message)


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("ruby", "There is no preset 'ruby'. The presets are euryale, medusa, node, python."),
        ("node", "There is no package.json."),
    ],
)
def test_a_preset_that_does_not_fit_is_refused(preset, message):
    with pytest.raises(errors.BuildRefusedError) as caught:
        plan(repository({"requirements.txt": ""}), preset=preset)
    assert str(caught.value) == message


def test_an_empty_repository_is_refused():
    with pytest.raises(errors.RootDirectoryError, match=r"The repository holds no file\. Set the directory"):
        plan(repository({}))


def test_every_refusal_has_a_code_and_a_docstring_of_its_own():
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BuildRefusedError)
    ]
    assert len(kinds) == 16
    assert len({kind.code for kind in kinds}) == len({kind.__doc__ for kind in kinds}) == len(kinds)
    assert all(kind.code.startswith("cloud.buildplan.") for kind in kinds)
