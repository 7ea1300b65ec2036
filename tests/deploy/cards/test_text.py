"""Texts of cards: harmless whatever a recipe says, and true to the task."""

import pytest

from hyperrl.deploy.cards.results import MeanReturn
from hyperrl.deploy.cards.text import (
    conditions,
    interval,
    limits,
    number,
    observations,
    return_of_task,
    shape_of,
    trained_on,
    words,
)
from hyperrl.recipes import Feature, load_agent, resolve
from hyperrl.store import RunSpec
from hyperrl.tasks import Family


def spec(agent: str, family: str) -> RunSpec:
    tasks = Family.load(family)
    return RunSpec(agent=resolve(load_agent(agent), tasks.recipe), family=tasks.recipe, seed=0, steps=64)


def test_texts_of_recipes_are_harmless() -> None:
    assert words("<img src=x>\n\n# one | two `three` [four](x) & five") == (
        "&lt;img src=x> # one \\| two 'three' \\[four](x) &amp; five"
    )


def test_numbers_and_intervals() -> None:
    assert [number(value) for value in (None, 123.456, -0.00012)] == ["-", "123.5", "-0.00012"]
    assert interval(MeanReturn("train", 1, 1, 0, 2.0, 1.5, 2.5)) == "1.5 to 2.5"
    assert interval(MeanReturn("train", 1, 1, 0, 2.0)) == "-"
    assert [shape_of((3,), False), shape_of((), False), shape_of((), True), shape_of((2, 3), True)] == [
        "(3,)", "()", "(n,)", "(n, 2, 3)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "feature", "says"),
    [
        ("ode", "c0", "-5 to 5"),
        ("double-integrator", "action_sign", "-1, 1"),
        ("point-goal", "angle", "a circle"),
    ],
)
def test_training_ranges(family: str, feature: str, says: str) -> None:
    found: Feature = Family.load(family).space.features[feature]
    assert trained_on(found) == says


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"c0": 7}, "outside the training range of c0 (-5 to 5): this is extrapolation"),
        ({"c0": 2.7}, "inside the training ranges and was not trained on"),
    ],
)
def test_where_a_task_lies(values: dict[str, float], says: str) -> None:
    family = Family.load("ode")
    found = limits(spec("hyper-ppo", "ode"), family, family.space.complete(values), [])
    assert any(says in line for line in found)
    trained = limits(spec("hyper-ppo", "ode"), family, family.tasks("train")[0], [])
    assert any("and was trained on" in line for line in trained)


def test_a_value_that_is_none_of_the_features_is_named() -> None:
    family = Family.load("double-integrator")
    between = family.space.complete({"action_sign": 0.5})
    found = " ".join(limits(spec("hyper-ppo", "double-integrator"), family, between, []))
    assert "action_sign = 0.5 is none of the feature's values, -1, 1." in found


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ("hyper-ppo", "held at the edge of its training range"),
        ("concat-ppo", "held at the edge of its training range"),
        ("blind-ppo", "It never sees the context"),
    ],
)
def test_what_agents_do_beyond_the_ranges(agent: str, says: str) -> None:
    family = Family.load("ode")
    unknown = " ".join(limits(spec(agent, "ode"), family, None, []))
    assert says in unknown
    assert f"trained on {len(family.tasks('train'))} tasks" in unknown
    assert "was not measured" in unknown
    known = limits(spec(agent, "ode"), family, None, [MeanReturn("extrapolation", 3, 1, 0, 2.0)])
    assert "was not measured" not in " ".join(known)


def test_a_return_says_whose_it_is() -> None:
    row = MeanReturn("train", 1, 5, 3, 2.0, 1.5, 2.5, 4.0)
    assert return_of_task(row, smaller=False) == (
        "Mean return on this task (train): 2, 95 % interval 1.5 to 2.5, over 5 episodes, start seed 3; the"
        " best known return is 4. It is that of the agent, whose actions the file repeats but for rounding."
    )
    assert "of this smaller network" in return_of_task(row, smaller=True)
    assert return_of_task(None, smaller=False) == "No evaluation of the agent on this task is known."


def test_conditions_name_each_way_of_playing_once() -> None:
    rows = [MeanReturn(split, 3, 5, 0, 1.0) for split in ("train", "interpolation")]
    assert "most likely actions: 5 episodes a task, start seed 0." in conditions(rows)
    assert "left out" not in conditions(rows)
    assert "some tasks were left out" in conditions([MeanReturn("train", 3, 1, 0, 1.0, left_out=True)])


def test_observations_are_those_of_the_base() -> None:
    family, agent = Family.load("pendulum"), load_agent("hyper-ppo")
    plain = observations(family, normalized=False, format="onnx")
    assert plain == (
        "Observations and actions are those of the environment `Pendulum-v1`, in its order and its units."
    )
    own = resolve(agent, family.recipe, ["frame_stack=3", "wrappers=[FlattenObservation]"])
    wrapped = observations(family.for_agent(own), normalized=True, format="onnx")
    assert f"the wrappers {own.wrappers[0]}." in wrapped
    assert "the last 3 observations are joined" in wrapped
    assert "statistics that normalize them are inside" in wrapped
    beside = observations(family, normalized=True, format="stable-baselines3")
    assert "in the `.pkl` beside the model" in beside
