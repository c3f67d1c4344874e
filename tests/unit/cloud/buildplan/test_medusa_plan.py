"""The preset for Medusa applications."""

import pytest

from euryale.cloud.buildplan import errors
from euryale.cloud.buildplan.detect import plan
from euryale.cloud.buildplan.plan import Command, HealthCheck, Process
from repositories import PACKAGE_LOCK, PNPM_LOCK, repository

CONFIG = "module.exports = defineConfig({projectConfig: {databaseUrl: process.env.DATABASE_URL}})"
SHOP = {
    "name": "shop",
    "scripts": {"build": "medusa build", "start": "medusa start"},
    "dependencies": {"@medusajs/medusa": "2.21.2"},
}
FILES = {"package.json": SHOP, "package-lock.json": PACKAGE_LOCK, "medusa-config.ts": CONFIG}
PROGRAMS = 'export PATH="$PWD/../../node_modules/.bin:$PATH"; exec medusa'


def test_it_runs_from_what_was_built_on_what_was_installed():
    made = plan(repository(FILES))
    assert made.preset == "medusa"
    assert made.runtime_version == "24"
    assert made.install == (Command("install", "CI=true npm ci --include=dev --no-audit --no-fund"),)
    assert made.build == (Command("build", "npm run build"),)
    assert made.package == ()
    assert made.predeploy == (Command("predeploy", f"{PROGRAMS} db:migrate --execute-safe-links", ".medusa/server"),)
    assert made.processes == (Process("web", Command("start", f"{PROGRAMS} start", ".medusa/server")),)
    assert made.artifact == "."
    assert made.must_exist == (".medusa/server/medusa-config.js", ".medusa/server/public/admin/index.html")
    assert made.health == HealthCheck("/health", 180.0)
    assert made.env == (("NODE_ENV", "production"),)
    assert made.secrets == ("JWT_SECRET", "COOKIE_SECRET")
    assert made.install_key_files == ("package-lock.json", "package.json")
    assert made.notes == ("Started by `medusa start`; the package's own start script is not used.",)


def test_in_a_workspace_programs_are_found_at_the_top_too():
    files = {
        "package.json": {"name": "top", "packageManager": "pnpm@10.11.1", "engines": {"node": ">=20"}},
        "pnpm-lock.yaml": PNPM_LOCK,
        "pnpm-workspace.yaml": "packages: ['apps/*']",
        "apps/backend/package.json": SHOP,
        "apps/backend/medusa-config.js": CONFIG,
        "apps/storefront/package.json": {"name": "storefront"},
    }
    made = plan(repository(files, "apps/backend"), root="apps/backend")
    assert made.package_manager.version == "10.11.1"
    assert (made.runtime_version, made.runtime_source) == ("24", "package.json engines.node")
    assert made.install[0].directory == "."
    assert made.build == (Command("build", "pnpm run build", "apps/backend"),)
    assert made.processes[0].command == Command(
        "start",
        'export PATH="$PWD/../../node_modules/.bin:$PWD/../../../../node_modules/.bin:$PATH"; exec medusa start',
        "apps/backend/.medusa/server",
    )
    assert made.must_exist[0] == "apps/backend/.medusa/server/medusa-config.js"


def test_the_admin_is_not_insisted_on_where_it_can_be_switched_off():
    config = 'module.exports = defineConfig({admin: {disable: process.env.DISABLE_MEDUSA_ADMIN === "true"}})'
    made = plan(repository({**FILES, "medusa-config.ts": config}))
    assert made.must_exist == (".medusa/server/medusa-config.js",)


def test_a_procfile_does_not_run_a_medusa_application():
    made = plan(repository({**FILES, "Procfile": "web: x"}))
    assert made.notes[-1] == "Procfile is ignored: the medusa preset decides what runs."
    assert made.processes[0].command.line.endswith("exec medusa start")


@pytest.mark.parametrize(
    "scripts",
    [
        {"build": "medusa build"},
        {"build": "rimraf dist && npx medusa  build --verbose"},
        {"build": "npm run compile", "compile": "medusa build"},
        {"build": "tsc", "postbuild": "medusa build"},
    ],
)
def test_a_build_script_may_lead_to_medusa_build(scripts):
    assert plan(repository({**FILES, "package.json": {**SHOP, "scripts": scripts}})).preset == "medusa"


def test_a_package_without_a_configuration_is_an_ordinary_one():
    files = {"package.json": SHOP, "package-lock.json": PACKAGE_LOCK}
    assert plan(repository(files)).preset == "node"


@pytest.mark.parametrize(
    ("files", "kind", "file", "message"),
    [
        pytest.param(
            {**FILES, "package.json": {**SHOP, "scripts": {"start": "medusa start", "prebuild": "medusa build"}}},
            errors.NoBuildScriptError,
            "package.json",
            'package.json has no script as "build". Set "build": "medusa build" in its scripts.',
            id="no-build-script",
        ),
        pytest.param(
            {**FILES, "package.json": {**SHOP, "scripts": {"build": "npm run a", "a": "npm run build"}}},
            errors.NoBuildScriptError,
            "package.json",
            "package.json has 'npm run a', which does not run `medusa build`, as \"build\". "
            'Set "build": "medusa build" in its scripts.',
            id="another-build-script",
        ),
        pytest.param(
            {"package.json": SHOP, "package-lock.json": PACKAGE_LOCK},
            errors.PresetMismatchError,
            "medusa-config.ts",
            "There is no medusa-config.ts, so '.' is no Medusa application. Add it, or choose another preset.",
            id="no-configuration",
        ),
        pytest.param(
            {
                "package.json": {"name": "top"},
                "package-lock.json": PACKAGE_LOCK,
                "apps/backend/medusa-config.ts": CONFIG,
            },
            errors.PresetMismatchError,
            "package.json",
            "package.json does not depend on @medusajs/medusa, so it is no Medusa application. Add the dependency, or "
            "choose another preset. There is a Medusa application in 'apps/backend': is that the root directory?",
            id="no-dependency",
        ),
        pytest.param(
            {"package.json": SHOP, "medusa-config.ts": CONFIG},
            errors.NoLockfileError,
            "package-lock.json",
            "There is no lockfile, so what package.json asks for is not pinned. "
            "Run `npm install` and commit package-lock.json.",
            id="no-lockfile",
        ),
    ],
)
def test_it_is_refused(files, kind, file, message):
    with pytest.raises(errors.BuildRefusedError) as caught:
        plan(repository(files), preset="medusa")
    assert (type(caught.value), caught.value.file, str(caught.value)) == (kind, file, message)
