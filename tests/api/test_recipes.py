from pathlib import Path

from hyperrl.api.recipes import agent_recipe, any_family
from hyperrl.recipes import load_agent, load_family
from hyperrl.tasks import Family


def test_agents_by_name_path_and_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("about: a\nalgorithm: {name: ppo}\npolicy: {kind: blind}\n")
    recipe = load_agent("hyper-ppo")
    assert agent_recipe("hyper-ppo") == recipe
    assert agent_recipe(recipe) is recipe
    assert agent_recipe(tmp_path / "mine.yaml").name == "mine"


def test_families_by_name_recipe_and_themselves() -> None:
    family = Family.load("ode")
    assert any_family(family) is family
    assert any_family("ode").recipe == any_family(load_family("ode")).recipe == family.recipe
