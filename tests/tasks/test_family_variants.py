"""Families that are made of others; `test_family.py` and `test_rim.py` try the other variants."""

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import ALL_SPLITS
from hyperrl.tasks import Family
from hyperrl.tasks.splits import task_alone


def test_some_tasks_alone_may_lie_beyond_the_training_ranges() -> None:
    family = Family.load("double-integrator")
    one = family.on_tasks([{"mass": 1.9}, {"mass": 1.9}, {"mass": 0.2, "action_sign": -1}])
    assert one.tasks("train") == [{"action_sign": 1, "mass": 1.9}, {"action_sign": -1, "mass": 0.2}]
    assert not any(one.tasks(split) for split in ALL_SPLITS[1:])
    assert one.space.box == family.space.box
    assert type(one.recipe).parse(one.recipe.model_dump(by_alias=True), "again") == one.recipe
    assert one.flag({"mass": 1.9, "action_sign": 1}) == "train"
    says = r"^double-integrator: contexts: splits.train.0.list.0.mass: found 3.0; allowed: within"
    with pytest.raises(UserError, match=says):
        family.on_tasks([{"mass": 3}])
    with pytest.raises(UserError, match=r"^context: unknown feature 'weight'"):
        family.on_tasks([{"weight": 3}])


def test_other_schedules_make_another_family_over_the_same_base() -> None:
    family = Family.load("ode")
    single = Family(family.recipe, family.make_base)
    changing = single.with_schedules({"c0": "jump:10"})
    assert changing.schedules is not None
    assert changing.schedules.texts == {"c0": "jump:10"}
    assert not changing.batched
    assert single.schedules is None
    assert single.with_schedules({"c0": None}) is single
    assert changing.with_schedules({"c0": "none"}).schedules is None
    assert changing.tasks("train") == family.tasks("train")
    assert changing.leave_out([{"c0": 5}]).schedules is not None


@pytest.mark.parametrize("split", ["interpolation", "extrapolation"])
@pytest.mark.parametrize("name", ["ode", "cartpole", "double-integrator", "wall-gap"])
def test_a_task_alone_is_found_in_its_recipe(name: str, split: str) -> None:
    family = Family.load(name)
    assert task_alone(family.recipe) is None
    for task in family.tasks(split)[:4]:
        one = family.on_tasks([task])
        assert task_alone(one.recipe) == one.tasks("train")[0] == task
        assert tuple(one.tasks("train")[0].items()) == tuple(task.items())
    assert task_alone(family.on_tasks(family.tasks("train")[:2]).recipe) is None
