"""A family cut down to one task plays that task, and is otherwise the family."""

from pathlib import Path

import pytest

from hyperrl.recipes import ALL_SPLITS, dump_yaml, load_family
from hyperrl.tasks import Family
from hyperrl.tasks.single_task import only_task, task_of


@pytest.mark.parametrize("split", ["interpolation", "extrapolation"])
@pytest.mark.parametrize("name", ["ode", "cartpole", "double-integrator", "point-goal", "wall-gap"])
def test_it_trains_on_the_task_alone(name: str, split: str, tmp_path: Path) -> None:
    family = Family.load(name)
    for task in family.tasks(split)[:4]:
        recipe = only_task(family.recipe, task)
        one = Family(recipe)
        assert one.tasks("train") == [task]
        assert one.tasks("train")[0].key == task.key
        assert not any(one.tasks(other) for other in ALL_SPLITS[1:])
        assert task_of(recipe) == task
        changed = {"features", "splits"}
        assert recipe.model_dump(exclude=changed) == family.recipe.model_dump(exclude=changed)
        for feature, fields in recipe.features.items():
            own = family.recipe.features[feature]
            assert fields.train == (own.widest if feature in task.outside else own.train)
        path = tmp_path / f"{name}.yaml"  # as a run's recipes are written and read
        path.write_text(dump_yaml(recipe.model_dump(mode="json", by_alias=True)))
        assert load_family(str(path)).splits == recipe.splits


def test_its_environments_play_the_task() -> None:
    family = Family.load("cartpole")
    task = family.tasks("extrapolation")[0]
    env = Family(only_task(family.recipe, task)).make()
    for seed in range(3):
        _, info = env.reset(seed=seed)
        assert info["context"] == dict(task)


def test_other_families_have_more_than_one_task() -> None:
    assert task_of(load_family("ode")) is None
    assert task_of(Family.load("ode").leave_out([{"c0": 5}]).recipe) is None
