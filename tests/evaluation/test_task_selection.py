from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.tasks import Family


def test_the_three_splits_are_taken_by_default(ode: Family) -> None:
    selection = select_tasks(ode)
    assert list(dict.fromkeys(selection.splits)) == ["train", "interpolation", "extrapolation"]
    assert len(selection.contexts) == selection.in_splits == 20
    assert (selection.in_sweep, selection.swept) == (0, ())


def test_contexts_alone_are_flagged_and_complete(cartpole: Family) -> None:
    training = cartpole.tasks("train")[0]
    selection = select_tasks(cartpole, contexts=[{"gravity": 10.0}, {"gravity": 25.0}, training])
    assert selection.splits == ("interpolation", "extrapolation", "train")
    assert selection.contexts[0] == {**cartpole.space.default, "gravity": 10.0}
    assert selection.in_splits == 0


def test_splits_contexts_and_sweep_come_in_this_order(ode: Family) -> None:
    selection = select_tasks(ode, ["validation", "validation"], [{"c0": 9.5}], [("c0", -1.0, 1.0, 3)])
    assert selection.in_splits == 8
    assert selection.in_sweep == 3
    assert selection.splits[:8] == ("validation",) * 8
    assert [context["c0"] for context in selection.contexts[8:]] == [9.5, -1.0, 0.0, 1.0]
    assert selection.splits[8:] == ("extrapolation", "train", "interpolation", "train")


def test_two_features_swept_give_their_grid() -> None:
    family = Family.load("ode-2d")
    selection = select_tasks(family, sweeps=[("c1", 0.0, 1.0, 2), ("c0", -1.0, 1.0, 3)])
    assert selection.swept == ("c1", "c0")
    points = [(c["c1"], c["c0"]) for c in selection.contexts]
    assert points == [(0.0, -1.0), (0.0, 0.0), (0.0, 1.0), (1.0, -1.0), (1.0, 0.0), (1.0, 1.0)]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"splits": ["interpolatoin"]}, "did you mean 'interpolation'"),
        ({"contexts": [{"c1": 1.0}]}, "'c1'"),
        ({"contexts": [{"c0": float("inf")}]}, "c0"),
        ({"sweeps": [("co", 0.0, 1.0, 3)]}, "known: c0"),
        ({"sweeps": [("c0", 1.0, 0.0, 3)]}, "from 1.0 to 0.0"),
        ({"sweeps": [("c0", 0.0, float("nan"), 3)]}, "nan"),
        ({"sweeps": [("c0", 0.0, 1.0, 1)]}, "takes 1 values"),
        ({"sweeps": [("c0", -1e308, 1e308, 3)]}, "two finite numbers, the lower first"),
        ({"sweeps": [("c0", 0.0, 1.0, 100_001)]}, "from 2 to 100000 are allowed"),
        ({"sweeps": [("c0", 0.0, 1.0, 3), ("c0", 0.0, 2.0, 3)]}, "given twice"),
        ({"sweeps": [("c0", 0.0, 1.0, 3)] * 3}, "found 3"),
    ],
)
def test_mistakes_take_one_line(ode: Family, arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError) as error:
        select_tasks(ode, **arguments)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_split_is_reported() -> None:
    family = Family.load("point-goal")
    assert family.tasks("extrapolation") == []
    with pytest.raises(UserError, match="'point-goal': no task to evaluate in splits extrapolation"):
        select_tasks(family, ["extrapolation"])


def test_a_grid_has_a_limit() -> None:
    with pytest.raises(UserError, match="160000 tasks"):
        select_tasks(Family.load("ode-2d"), sweeps=[("c0", 0.0, 1.0, 400), ("c1", 0.0, 1.0, 400)])
