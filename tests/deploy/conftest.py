"""Fixtures of all tests of files."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.cases import CASES, Example, example
from tests.project.pages import ROOT, blocks


@pytest.fixture(params=CASES)
def every_case(request: pytest.FixtureRequest) -> Example:
    return example(request.param)


@pytest.fixture(scope="session")
def load_policy() -> Any:
    """The function of docs/deploying.md."""
    names: dict[str, Any] = {}
    (block,) = [b for b in blocks(ROOT / "docs/deploying.md") if "def load_policy" in b.text]
    imports, _, rest = block.text.partition("def load_policy")
    function = "def load_policy" + rest.partition("\n\n")[0]
    assert len(function.splitlines()) <= 30
    assert "hyperrl" not in imports + function
    exec(imports + function, names)
    return names["load_policy"]
