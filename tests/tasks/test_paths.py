"""Paths that lead into attributes."""

import pytest

from hyperrl.errors import UserError
from tests.tasks.bases import speaking


@pytest.mark.parametrize(
    "path", ["contexts.1.gravity", "contexts.0.gravitas", "context.gravity", "contexts.x"]
)
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    family = speaking(features={"g": {"about": "g", "default": 1, "train": [0, 2], "attribute": path}})
    with pytest.raises(UserError, match=f"feature 'g' needs an attribute '{path}', which Speaking lacks"):
        family.make_default()


@pytest.mark.parametrize("path", ["__class__", "contexts.__init__", "a..b", ".a", "a.", "a b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(UserError, match=r"features.g.attribute"):
        speaking(features={"g": {"about": "g", "default": 1, "train": [0, 2], "attribute": path}})
