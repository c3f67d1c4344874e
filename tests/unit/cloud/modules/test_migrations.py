from pathlib import Path

import pytest

from euryale.cloud.modules.access import ACCESS
from euryale.cloud.modules.deployments import DEPLOYMENTS
from euryale.cloud.modules.ledger import LEDGER
from euryale.cloud.modules.projects import PROJECTS
from euryale.framework.modules import Module
from euryale.framework.testing import assert_migrations_match_models, assert_modules_independent

MODULES = [PROJECTS, DEPLOYMENTS, LEDGER, ACCESS]


@pytest.mark.parametrize("module", MODULES, ids=[module.name for module in MODULES])
async def test_the_migrations_lead_to_the_models(tmp_path: Path, module: Module) -> None:
    await assert_migrations_match_models(tmp_path, module)


def test_no_module_knows_another() -> None:
    assert_modules_independent(*MODULES)
