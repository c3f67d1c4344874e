"""Python applications, and those of this framework."""

import pytest

from euryale.cloud.buildplan import errors
from euryale.cloud.buildplan.detect import plan
from euryale.cloud.buildplan.plan import Command, HealthCheck, PackageManager
from repositories import repository

PINNED = "fastapi==0.160.0 \\\n    --hash=sha256:ab\nuvicorn==0.50.0 \\\n    --hash=sha256:cd\n"
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
PACKAGED = PROJECT + '[build-system]\nrequires = ["hatchling"]\n'
UV_LOCK = 'version = 1\n\n[[package]]\nname = "fastapi"\nversion = "0.160.0"\n'
WEB = {"Procfile": "web: uvicorn main:app --port $PORT\n"}
VENV = Command("install", "uv venv --clear --relocatable --python 3.11 .venv")
PIP = Command("install", "uv pip install --python .venv/bin/python -r requirements.txt")
SYNC = "uv sync --frozen --no-dev --no-editable --inexact"
EURYALE = {"euryale.toml": 'app = "shop.app:app"\n', "requirements.txt": PINNED}


def test_requirements_are_installed_by_pip():
    made = plan(repository({"requirements.txt": PINNED, **WEB}))
    assert made.preset == "python"
    assert made.package_manager == PackageManager("pip", None, "requirements.txt")
    assert made.install == (VENV, PIP)
    assert made.build == ()
    assert made.venv == ".venv"
    assert made.provides == ()
    assert made.install_key_files == ("requirements.txt",)
    assert made.install_outputs == (".venv",)
    assert made.env == (("PYTHONUNBUFFERED", "1"),)
    assert made.notes == ()
    assert made.processes[0].command == Command(
        "start", "export PATH=\"$PWD/.venv/bin:$PATH\"; exec /bin/sh -c 'exec uvicorn main:app --port $PORT'"
    )


def test_a_uv_lockfile_is_synced():
    made = plan(repository({"uv.lock": UV_LOCK, "pyproject.toml": PROJECT, **WEB}))
    assert made.package_manager == PackageManager("uv", None, "uv.lock")
    assert made.install == (VENV, Command("install", f"{SYNC} --no-install-workspace"))
    assert made.build == ()
    assert made.install_key_files == ("pyproject.toml", "uv.lock")


def test_a_package_is_installed_from_its_source_by_the_build():
    made = plan(repository({"uv.lock": UV_LOCK, "pyproject.toml": PACKAGED, **WEB}))
    assert made.build == (Command("build", SYNC),)
    virtual = PACKAGED + "[tool.uv]\npackage = false\n"
    assert plan(repository({"uv.lock": UV_LOCK, "pyproject.toml": virtual, **WEB})).build == ()


def test_a_uv_workspace_is_installed_at_its_top():
    files = {
        "uv.lock": UV_LOCK + 'source = { editable = "apps/api" }\n',
        "pyproject.toml": PROJECT + '[tool.uv.workspace]\nmembers = ["apps/*"]\n',
        "apps/api/pyproject.toml": PROJECT.replace("shop", "api"),
        "apps/api/Procfile": "web: serve",
    }
    made = plan(repository(files, "apps/api"), root="apps/api")
    assert made.install == (VENV, Command("install", f"{SYNC} --package api --no-install-workspace"))
    assert made.build == (Command("build", f"{SYNC} --package api"),)
    assert made.venv == ".venv"
    assert made.processes[0].command == Command(
        "start", "export PATH=\"$PWD/../../.venv/bin:$PATH\"; exec /bin/sh -c 'exec serve'", "apps/api"
    )
    assert made.install_key_files == ("apps/api/pyproject.toml", "pyproject.toml", "uv.lock")


@pytest.mark.parametrize(
    ("more", "version", "source"),
    [
        ({}, "3.11", "default"),
        ({"pyproject.toml": PROJECT}, "3.11", "pyproject.toml requires-python"),
        ({"pyproject.toml": '[project]\nrequires-python = ">3.11"\n'}, "3.11", "pyproject.toml requires-python"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12,<3.14"\n'}, "3.12", "pyproject.toml requires-python"),
        ({"pyproject.toml": '[project]\nrequires-python = "~=3.13.2"\n'}, "3.13", "pyproject.toml requires-python"),
        ({"pyproject.toml": PROJECT, ".python-version": "3.12\n"}, "3.12", ".python-version"),
        ({".python-version": "# ours\n3.13.2"}, "3.13", ".python-version"),
        ({".python-version": "cpython-3.12.4"}, "3.12", ".python-version"),
        ({".tool-versions": "nodejs 22\npython 3.14.0"}, "3.14", ".tool-versions"),
    ],
)
def test_the_runtime_is_what_the_repository_says(more, version, source):
    made = plan(repository({"requirements.txt": PINNED, **WEB, **more}))
    assert (made.runtime_version, made.runtime_source) == (version, source)
    assert made.install[0].line == f"uv venv --clear --relocatable --python {version} .venv"


@pytest.mark.parametrize(
    ("text", "reusable"),
    [
        (PINNED, True),
        ("fastapi\nuvicorn==1\n", False),
        ("uvicorn>=1; python_version == '3.11'\n", False),
        ("uvicorn==1; python_version > '3.8'\n", True),
        ("-r base.txt\n", False),
        ("--requirement=base.txt\n", False),
        ("-e .\n", False),
        ("--find-links vendor\nuvicorn==1\n", False),
        ("./vendor/x\n", False),
        ("x @ file:///vendor/x.whl\n", False),
        ("x @ https://example.org/x.whl\n", True),
        ("", True),
    ],
)
def test_requirements_are_reused_only_if_they_decide(text, reusable):
    made = plan(repository({"requirements.txt": text, **WEB}))
    assert made.install_key_files == (("requirements.txt",) if reusable else ())


def test_requirements_that_are_not_pinned_are_told():
    made = plan(repository({"requirements.txt": "fastapi\nuvicorn==1\n# comment\nhttpx>=0.2\n", **WEB}))
    assert made.notes == (
        "requirements.txt leaves 2 of its requirements unpinned: the same commit may be built differently later.",
    )


@pytest.mark.parametrize(
    ("source", "reusable"),
    [
        ('{ editable = "." }', True),
        ('{ virtual = "." }', True),
        ('{ editable = "../other" }', False),
        ('{ directory = "vendor/x" }', False),
        ('{ path = "vendor/x.whl" }', False),
    ],
)
def test_a_uv_lockfile_is_reused_only_if_it_decides(source, reusable):
    made = plan(repository({"uv.lock": f"{UV_LOCK}source = {source}\n", "pyproject.toml": PROJECT, **WEB}))
    assert bool(made.install_key_files) is reusable


def test_the_uv_lockfile_decides_before_others_and_the_plan_says_so():
    files = {"uv.lock": UV_LOCK, "pyproject.toml": PROJECT, "requirements.txt": PINNED, "poetry.lock": "", **WEB}
    made = plan(repository(files))
    assert made.package_manager.name == "uv"
    assert made.notes == ("poetry.lock, requirements.txt ignored: uv.lock decides.",)


def test_a_euryale_application_gets_the_framework():
    made = plan(repository(EURYALE))
    assert made.preset == "euryale"
    assert made.provides == ("euryale",)
    assert made.processes[0].command == Command(
        "start", 'exec .venv/bin/python -m uvicorn shop.app:app --host 127.0.0.1 --port "$PORT"'
    )
    assert made.predeploy == ()
    assert made.health == HealthCheck("/health")


def test_a_euryale_application_may_say_more_in_its_pyproject():
    said = '[tool.euryale]\napp = "shop.app:app"\nmigrate = true\nhealth = "/ready"\n'
    files = {"pyproject.toml": PACKAGED + said, "uv.lock": UV_LOCK, "src/shop/__init__.py": "", "package.json": {}}
    made = plan(repository(files))
    assert made.predeploy == (Command("predeploy", "exec .venv/bin/python -m euryale.cli migrate shop.app:app"),)
    assert made.processes[0].command.line == (
        'exec .venv/bin/python -m uvicorn shop.app:app --app-dir src --host 127.0.0.1 --port "$PORT"'
    )
    assert made.health.path == "/ready"


@pytest.mark.parametrize(
    ("lock", "provides"),
    [
        ({"requirements.txt": "euryale==0.1.0\n"}, ()),
        ({"requirements.txt": "Euryale[postgres]==0.1.0 \\\n  --hash=sha256:ab\n"}, ()),
        ({"requirements.txt": "euryale @ file:///vendor/euryale.whl\n"}, ()),
        ({"requirements.txt": "euryale-extras==1\n# euryale==0.1\n"}, ("euryale",)),
        ({"uv.lock": UV_LOCK + '[[package]]\nname = "euryale"\n', "pyproject.toml": PROJECT}, ()),
        ({"uv.lock": UV_LOCK + '[[package]]\nname = "euryale-extras"\n', "pyproject.toml": PROJECT}, ("euryale",)),
    ],
)
def test_the_framework_is_not_provided_to_who_brings_it(lock, provides):
    assert plan(repository({"euryale.toml": 'app = "a:b"', **lock})).provides == provides


REFUSALS = [
    pytest.param(
        {"pyproject.toml": PROJECT, **WEB},
        errors.NoLockfileError,
        "uv.lock",
        "There is no lockfile, so what the application in '.' needs is not pinned. "
        "Commit uv.lock (`uv lock` writes it).",
        id="no-lockfile",
    ),
    pytest.param(
        {"euryale.toml": 'app = "a:b"'},
        errors.NoLockfileError,
        "requirements.txt",
        "There is no lockfile, so what the application in '.' needs is not pinned. "
        "Commit requirements.txt (`uv pip compile --generate-hashes` writes it).",
        id="nothing-but-settings",
    ),
    pytest.param(
        {"pyproject.toml": PROJECT, "poetry.lock": ""},
        errors.UnsupportedManagerError,
        "requirements.txt",
        "poetry.lock is poetry's, which is not supported yet; uv and pip are. "
        "Commit uv.lock, or export what is locked to requirements.txt.",
        id="poetry",
    ),
    pytest.param(
        {"pyproject.toml": PROJECT, "pdm.lock": ""},
        errors.UnsupportedManagerError,
        "requirements.txt",
        "pdm.lock is pdm's, which is not supported yet; uv and pip are. "
        "Commit uv.lock, or export what is locked to requirements.txt.",
        id="pdm",
    ),
    pytest.param(
        {"Pipfile": ""},
        errors.UnsupportedManagerError,
        "requirements.txt",
        "Pipfile is pipenv's, which is not supported yet; uv and pip are. "
        "Commit uv.lock, or export what is locked to requirements.txt.",
        id="pipenv",
    ),
    pytest.param(
        {"uv.lock": UV_LOCK},
        errors.NoManifestError,
        "pyproject.toml",
        "uv.lock has no pyproject.toml beside it. Add it.",
        id="lockfile-alone",
    ),
    pytest.param(
        {"requirements.txt": PINNED},
        errors.NoStartCommandError,
        "Procfile",
        "Nothing says how to start the application in '.'. "
        "Add a Procfile with a line like `web: uvicorn main:app --host 127.0.0.1 --port $PORT`.",
        id="no-start",
    ),
    pytest.param(
        {"requirements.txt": PINNED, "pyproject.toml": '[project]\nrequires-python = "<3.10"\n'},
        errors.NoRuntimeVersionError,
        "pyproject.toml",
        "pyproject.toml requires-python is '<3.10', but the supported versions of Python are 3.11, 3.12, 3.13, 3.14. "
        "Change it to admit one of these.",
        id="no-python",
    ),
    pytest.param(
        {"requirements.txt": PINNED, ".python-version": "3.9"},
        errors.NoRuntimeVersionError,
        ".python-version",
        ".python-version says '3.9', but the supported versions of Python are 3.11, 3.12, 3.13, 3.14. "
        "Change it to admit one of these.",
        id="old-python",
    ),
    pytest.param(
        {"requirements.txt": PINNED, "pyproject.toml": PROJECT.replace("3.11", "3.13"), ".python-version": "3.12"},
        errors.NoRuntimeVersionError,
        ".python-version",
        ".python-version says 3.12, which requires-python (>=3.13) in pyproject.toml excludes. Make the two agree.",
        id="contradicting-versions",
    ),
    pytest.param(
        {"requirements.txt": PINNED, ".python-version": "newest; rm -rf /"},
        errors.BadManifestError,
        ".python-version",
        ".python-version says 'newest; rm -rf /', which is no version of Python. Write 3.11.",
        id="no-version",
    ),
    pytest.param(
        {"requirements.txt": PINNED, "pyproject.toml": '[project]\nrequires-python = "new"\n'},
        errors.BadManifestError,
        "pyproject.toml",
        "pyproject.toml: requires-python is 'new', which is no range of versions. Write it like \">=3.11\".",
        id="no-range",
    ),
    pytest.param(
        {"requirements.txt": PINNED, "pyproject.toml": "[project\n"},
        errors.BadManifestError,
        "pyproject.toml",
        "pyproject.toml is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 9).",
        id="no-toml",
    ),
    pytest.param(
        {"requirements.txt": PINNED, "pyproject.toml": "a = " + "1" * 5000},
        errors.BadManifestError,
        "pyproject.toml",
        "pyproject.toml holds a number that is too long.",
        id="toml-number",
    ),
    pytest.param(
        {**EURYALE, "euryale.toml": 'app = "shop.app:app; id"'},
        errors.BadManifestError,
        "euryale.toml",
        "euryale.toml: `app` is 'shop.app:app; id', which names no application. Write it like \"shop.app:app\".",
        id="no-application",
    ),
    pytest.param(
        {**EURYALE, "euryale.toml": ""},
        errors.BadManifestError,
        "euryale.toml",
        'euryale.toml: `app` is None, which names no application. Write it like "shop.app:app".',
        id="application-missing",
    ),
    pytest.param(
        {**EURYALE, "euryale.toml": 'app = "a:b"\nmigrate = "yes"'},
        errors.BadManifestError,
        "euryale.toml",
        "euryale.toml: `migrate` must be true or false.",
        id="no-boolean",
    ),
    pytest.param(
        {**EURYALE, "euryale.toml": 'app = "a:b"\nhealth = "health"'},
        errors.BadManifestError,
        "euryale.toml",
        "euryale.toml: `health` is 'health'; it must be a path like /health.",
        id="no-path",
    ),
]


@pytest.mark.parametrize(("files", "kind", "file", "message"), REFUSALS)
def test_a_repository_is_refused(files, kind, file, message):
    with pytest.raises(errors.BuildRefusedError) as caught:
        plan(repository(files))
    assert (type(caught.value), caught.value.file, str(caught.value)) == (kind, file, message)


def test_the_preset_asked_for_needs_its_settings():
    with pytest.raises(errors.PresetMismatchError) as caught:
        plan(repository({"requirements.txt": PINNED}), preset="euryale")
    assert str(caught.value) == (
        "There is no euryale.toml, and no [tool.euryale] in pyproject.toml. "
        'Add it, with a line like `app = "shop.app:app"`.'
    )


@pytest.mark.parametrize(
    ("top", "member", "kind", "message"),
    [
        (
            PROJECT,
            PROJECT,
            errors.NotInWorkspaceError,
            (
                "uv.lock does not cover 'apps/api': pyproject.toml has no [tool.uv.workspace]. "
                "List 'apps/api' among its members, or commit a uv.lock in it."
            ),
        ),
        (
            PROJECT + "[tool.uv.workspace]\nmembers = ['apps/*']",
            PROJECT.replace("shop", "--index=evil"),
            errors.BadManifestError,
            "apps/api/pyproject.toml: [project] name is '--index=evil', which is no name of a package.",
        ),
    ],
)
def test_a_uv_workspace_is_refused(top, member, kind, message):
    files = {
        "uv.lock": UV_LOCK,
        "pyproject.toml": top,
        "apps/api/pyproject.toml": member,
        "apps/api/Procfile": "web: x",
    }
    with pytest.raises(kind) as caught:
        plan(repository(files, "apps/api"), root="apps/api")
    assert str(caught.value) == message
