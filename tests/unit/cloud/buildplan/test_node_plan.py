"""Node applications: who installs, which Node, what is built and started."""

import pytest

from euryale.cloud.buildplan.detect import plan
from euryale.cloud.buildplan.plan import Command, PackageManager
from repositories import PACKAGE_LOCK, PNPM_LOCK, YARN_1_LOCK, berry_lock, repository

APP = {"name": "app", "scripts": {"start": "node server.js"}}
NODE_MODULES = "nodeLinker: node-modules\n"
VENDORED = "yarnPath: .yarn/releases/yarn-4.5.0.cjs\n" + NODE_MODULES


def app(**more):
    return {**APP, **more}


@pytest.mark.parametrize(
    ("files", "manager", "line"),
    [
        pytest.param(
            {"package.json": app(), "package-lock.json": PACKAGE_LOCK},
            PackageManager("npm", None, "package-lock.json"),
            "CI=true npm ci --include=dev --no-audit --no-fund",
            id="npm",
        ),
        pytest.param(
            {"package.json": app(), "npm-shrinkwrap.json": PACKAGE_LOCK, "package-lock.json": PACKAGE_LOCK},
            PackageManager("npm", None, "npm-shrinkwrap.json"),
            "CI=true npm ci --include=dev --no-audit --no-fund",
            id="npm-shrinkwrap",
        ),
        pytest.param(
            {"package.json": app(packageManager="npm@10.9.2"), "package-lock.json": PACKAGE_LOCK},
            PackageManager("npm", "10.9.2", "package.json packageManager"),
            "CI=true npm ci --include=dev --no-audit --no-fund",
            id="npm-asked-for",
        ),
        pytest.param(
            {"package.json": app(), "yarn.lock": YARN_1_LOCK},
            PackageManager("yarn1", "1.22.22", "yarn.lock"),
            "CI=true yarn install --frozen-lockfile --production=false --non-interactive",
            id="yarn-1",
        ),
        pytest.param(
            {"package.json": app(packageManager="yarn@1.22.19"), "yarn.lock": YARN_1_LOCK},
            PackageManager("yarn1", "1.22.19", "package.json packageManager"),
            "CI=true yarn install --frozen-lockfile --production=false --non-interactive",
            id="yarn-1-asked-for",
        ),
        pytest.param(
            {"package.json": app(), "yarn.lock": berry_lock(8), ".yarnrc.yml": NODE_MODULES},
            PackageManager("yarn-berry", "4.13.0", "yarn.lock"),
            "CI=true yarn install --immutable",
            id="berry-by-format",
        ),
        pytest.param(
            {
                "package.json": app(packageManager="yarn@4.1.0+sha256.ab"),
                "yarn.lock": berry_lock(8),
                ".yarnrc.yml": NODE_MODULES,
            },
            PackageManager("yarn-berry", "4.1.0", "package.json packageManager"),
            "CI=true yarn install --immutable",
            id="berry-asked-for",
        ),
        pytest.param(
            {
                "package.json": app(packageManager="yarn@4.1.0"),
                "yarn.lock": berry_lock(8),
                ".yarnrc.yml": VENDORED,
                ".yarn/releases/yarn-4.5.0.cjs": "",
            },
            PackageManager("yarn-berry", None, ".yarnrc.yml yarnPath"),
            "CI=true node .yarn/releases/yarn-4.5.0.cjs install --immutable",
            id="berry-vendored",
        ),
        pytest.param(
            {
                "package.json": app(),
                "yarn.lock": berry_lock(8),
                "package-lock.json": PACKAGE_LOCK,
                ".yarnrc.yml": "yarnPath: 'a b;c.cjs'\nnodeLinker: node-modules\n",
                "a b;c.cjs": "",
            },
            PackageManager("yarn-berry", None, ".yarnrc.yml yarnPath"),
            "CI=true node 'a b;c.cjs' install --immutable",
            id="berry-vendored-before-lockfiles-and-quoted",
        ),
        pytest.param(
            {
                "package.json": app(),
                "yarn.lock": berry_lock(99),
                ".yarnrc.yml": "yarnPath: --eval=x\nnodeLinker: node-modules\n",
                "--eval=x": "",
            },
            PackageManager("yarn-berry", None, ".yarnrc.yml yarnPath"),
            "CI=true node ./--eval=x install --immutable",
            id="berry-vendored-is-no-option-and-newer-than-known",
        ),
        pytest.param(
            {"package.json": app(), "pnpm-lock.yaml": PNPM_LOCK},
            PackageManager("pnpm", "9.15.9", "pnpm-lock.yaml lockfileVersion 9.0"),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            id="pnpm-9-by-format",
        ),
        pytest.param(
            {"package.json": app(), "pnpm-lock.yaml": "lockfileVersion: '6.0'\n"},
            PackageManager("pnpm", "8.15.9", "pnpm-lock.yaml lockfileVersion 6.0"),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            id="pnpm-8-by-format",
        ),
        pytest.param(
            {"package.json": app(), "pnpm-lock.yaml": "lockfileVersion: 5.4\n"},
            PackageManager("pnpm", "7.33.7", "pnpm-lock.yaml lockfileVersion 5.4"),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            id="pnpm-7-by-format",
        ),
        pytest.param(
            {"package.json": app(engines={"pnpm": ">=10 <11"}), "pnpm-lock.yaml": PNPM_LOCK},
            PackageManager("pnpm", "10.34.8", "package.json engines.pnpm"),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            id="pnpm-by-engines",
        ),
        pytest.param(
            {"package.json": app(engines={"pnpm": "10.4.1"}), "pnpm-lock.yaml": PNPM_LOCK},
            PackageManager("pnpm", "10.4.1", "package.json engines.pnpm"),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            id="pnpm-by-exact-engines",
        ),
        pytest.param(
            {"package.json": app(packageManager="pnpm@10.11.1", engines={"pnpm": "9"}), "pnpm-lock.yaml": PNPM_LOCK},
            PackageManager("pnpm", "10.11.1", "package.json packageManager"),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            id="pnpm-asked-for",
        ),
    ],
)
def test_the_manager_installs_what_the_lockfile_says(files, manager, line):
    made = plan(repository(files))
    assert made.package_manager == manager
    assert made.install == (Command("install", line, "."),)


def test_package_manager_decides_between_lockfiles_and_the_plan_says_so():
    made = plan(
        repository(
            {
                "package.json": app(packageManager="pnpm@9.1.0"),
                "pnpm-lock.yaml": PNPM_LOCK,
                "package-lock.json": PACKAGE_LOCK,
            }
        )
    )
    assert made.package_manager.name == "pnpm"
    assert made.notes == ("package-lock.json ignored: package.json packageManager decides.",)


@pytest.mark.parametrize(
    ("engines", "more", "version", "source"),
    [
        (None, {}, "24", "default"),
        ("*", {}, "24", "default"),
        (">=20", {}, "24", "package.json engines.node"),
        ("^20.19 || >=22.12", {}, "24", "package.json engines.node"),
        (">=22.12", {}, "24", "package.json engines.node"),
        (">20", {}, "24", "package.json engines.node"),
        ("24.x", {}, "24", "package.json engines.node"),
        ("18 || 24", {}, "24", "package.json engines.node"),
        (">=20.1 <21 || 22", {".nvmrc": "24"}, "22", "package.json engines.node"),
        ("*", {".nvmrc": "v20.11.1\n"}, "20", ".nvmrc"),
        (None, {".nvmrc": "# comment\nlts/jod\n"}, "22", ".nvmrc"),
        (None, {".nvmrc": "lts/*"}, "24", ".nvmrc"),
        (None, {".node-version": "24.1"}, "24", ".node-version"),
        (None, {".nvmrc": "20", ".node-version": "24"}, "20", ".nvmrc"),
        (None, {".tool-versions": "python 3.12.1\nnodejs 20.11.0\n"}, "20", ".tool-versions"),
        (None, {".tool-versions": "python 3.12.1\n"}, "24", "default"),
        (None, {".nvmrc": "\n"}, "24", "default"),
    ],
)
def test_the_runtime_is_the_newest_major_that_is_accepted(engines, more, version, source):
    manifest = app() if engines is None else app(engines={"node": engines})
    made = plan(repository({"package.json": manifest, "package-lock.json": PACKAGE_LOCK, **more}))
    assert (made.runtime_version, made.runtime_source, made.notes) == (version, source, ())


def test_a_range_that_ends_within_a_major_is_accepted_with_a_note():
    manifest = app(engines={"node": "20.11.1"})
    made = plan(repository({"package.json": manifest, "package-lock.json": PACKAGE_LOCK}))
    assert made.runtime_version == "20"
    assert made.notes == ("package.json engines.node asks for '20.11.1'; the newest release of Node 20 is used.",)


def test_a_complete_major_is_preferred_to_one_that_ends():
    manifest = app(engines={"node": "20.11.1 || >=24"})
    made = plan(repository({"package.json": manifest, "package-lock.json": PACKAGE_LOCK}))
    assert (made.runtime_version, made.notes) == ("24", ())


@pytest.mark.parametrize(
    ("scripts", "line"),
    [
        (
            {"start": "node server.js"},
            "export PATH=\"$PWD/node_modules/.bin:$PATH\"; exec /bin/sh -c 'exec node server.js'",
        ),
        ({"start": "node a && node b"}, "exec npm run start"),
        ({"start": "PORT=1 node a"}, "exec npm run start"),
        ({"start": "node server.js", "prestart": "node migrate.js"}, "exec npm run start"),
        ({"start": "node server.js $npm_package_version"}, "exec npm run start"),
    ],
)
def test_the_start_script_is_the_server_itself_where_it_can_be(scripts, line):
    made = plan(repository({"package.json": app(scripts=scripts), "package-lock.json": PACKAGE_LOCK}))
    assert [(process.name, process.command) for process in made.processes] == [("web", Command("start", line))]


def test_scripts_and_hooks_build_and_a_procfile_starts():
    scripts = {"build": "tsc", "start": "no", "cloud:preinstall": "a", "cloud:prebuild": "b"}
    made = plan(
        repository(
            {
                "package.json": app(scripts=scripts),
                "package-lock.json": PACKAGE_LOCK,
                "Procfile": "web: node dist\nrelease: node migrate\nworker: node w",
            }
        )
    )
    assert [command.line for command in made.install] == [
        "npm run cloud:preinstall",
        "CI=true npm ci --include=dev --no-audit --no-fund",
    ]
    assert [command.line for command in made.build] == ["npm run cloud:prebuild", "npm run build"]
    assert [process.name for process in made.processes] == ["web", "worker"]
    assert made.processes[0].command.line.endswith("exec /bin/sh -c 'exec node dist'")
    assert made.predeploy[0].line.endswith("exec /bin/sh -c 'exec node migrate'")
    assert made.env == (("NODE_ENV", "production"),)
    assert made.artifact == "."


@pytest.mark.parametrize(
    ("manifest", "reusable"),
    [
        (app(dependencies={"x": "^1"}), True),
        (app(scripts={"start": "x", "postinstall": "prisma generate"}), False),
        (app(scripts={"start": "x", "prepare": "husky"}), False),
        (app(scripts={"start": "x", "cloud:preinstall": "x"}), False),
        (app(dependencies={"x": "file:./x"}), False),
        (app(devDependencies={"x": "link:../x"}), False),
    ],
)
def test_an_install_is_reused_only_if_its_files_decide_it(manifest, reusable):
    files = {"package.json": manifest, "package-lock.json": PACKAGE_LOCK, ".npmrc": "", "patches/a.patch": ""}
    made = plan(repository(files))
    expected = (".npmrc", "package-lock.json", "package.json", "patches/a.patch") if reusable else ()
    assert made.install_key_files == expected
    assert made.install_outputs == ("node_modules",)


def monorepo(lock, manager=None, *, pnpm=False, **more):
    top = {"name": "top", "private": True, **({} if pnpm else {"workspaces": ["apps/*", "packages/*"]})}
    top |= {"packageManager": manager} if manager else {}
    listed = {"pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n"} if pnpm else {}
    return {
        "package.json": top,
        **lock,
        **listed,
        "apps/api/package.json": app(
            name="api", scripts={"start": "node .", "build": "tsc"}, dependencies={"lib": "*"}
        ),
        "apps/web/package.json": app(name="web", scripts={"build": "vite"}),
        "packages/lib/package.json": {"name": "lib", "scripts": {"build": "tsc"}},
        **more,
    }


@pytest.mark.parametrize(
    ("files", "install", "run"),
    [
        (monorepo({"package-lock.json": PACKAGE_LOCK}), "CI=true npm ci --include=dev --no-audit --no-fund", "npm"),
        (
            monorepo({"pnpm-lock.yaml": PNPM_LOCK}, "pnpm@10.11.1", pnpm=True),
            "CI=true pnpm install --frozen-lockfile --prod=false",
            "pnpm",
        ),
        (
            monorepo({"yarn.lock": YARN_1_LOCK}),
            "CI=true yarn install --frozen-lockfile --production=false --non-interactive",
            "yarn",
        ),
        (
            monorepo({"yarn.lock": berry_lock()}, **{".yarnrc.yml": VENDORED, ".yarn/releases/yarn-4.5.0.cjs": "code"}),
            "CI=true node .yarn/releases/yarn-4.5.0.cjs install --immutable",
            "node ../../.yarn/releases/yarn-4.5.0.cjs",
        ),
    ],
    ids=["npm", "pnpm", "yarn1", "berry"],
)
def test_a_workspace_is_installed_at_its_top_and_built_from_what_the_package_needs(files, install, run):
    made = plan(repository(files, "apps/api"), root="apps/api")
    assert made.install == (Command("install", install, "."),)
    assert made.build == (
        Command("build", f"{run} run build", "packages/lib"),
        Command("build", f"{run} run build", "apps/api"),
    )
    assert made.processes[0].command == Command(
        "start",
        "export PATH=\"$PWD/node_modules/.bin:$PWD/../../node_modules/.bin:$PATH\"; exec /bin/sh -c 'exec node .'",
        "apps/api",
    )
    manifests = {"apps/api/package.json", "apps/web/package.json", "package.json", "packages/lib/package.json"}
    assert manifests < set(made.install_key_files)
    assert {"node_modules", "apps/api/node_modules", "packages/lib/node_modules"} <= set(made.install_outputs)


def test_a_package_with_a_lockfile_of_its_own_needs_no_workspace():
    files = {"apps/api/package.json": app(), "apps/api/package-lock.json": PACKAGE_LOCK, "package.json": {}}
    made = plan(repository(files, "apps/api"), root="apps/api")
    assert made.install[0].directory == "apps/api"
    assert made.install_outputs == ("apps/api/node_modules",)


def test_equal_repositories_make_equal_plans():
    files = monorepo({"package-lock.json": PACKAGE_LOCK})
    shuffled = dict(reversed(files.items()))
    plans = {plan(repository(each, "apps/api"), root="apps/api") for each in (files, shuffled)}
    assert len(plans) == 1
