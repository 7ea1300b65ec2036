"""Wrappers as an agent's file writes them, and what is said of those that cannot be."""

import inspect
from typing import Any

import gymnasium as gym
import pytest
from gymnasium import wrappers

from hyperrl.recipes import WrapperRecipe, load_agent, load_family, parse_agent, resolve
from hyperrl.recipes.wrappers import REFUSED, argument_fault
from tests.recipes.mistakes import agent, refusal

RESCALE = {"RescaleAction": {"min_action": -1, "max_action": [1, 1]}}
DATA = {"any": {"of": [1, "a", True]}}


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("TimeAwareObservation", ["TimeAwareObservation"]),
        ("gymnasium.wrappers.TimeAwareObservation", ["TimeAwareObservation"]),
        ("gymnasium.wrappers:TimeAwareObservation", ["TimeAwareObservation"]),
        (RESCALE, ["RescaleAction"]),
        ([RESCALE, {"OrderEnforcing": None}], ["RescaleAction", "OrderEnforcing"]),
        (["mine.wrappers:Mine", {"../my own.py:Mine": DATA}], ["mine.wrappers:Mine", "../my own.py:Mine"]),
        ([], []),
    ],
)  # fmt: skip
def test_forms(written: Any, names: list[str]) -> None:
    recipe = parse_agent(agent(wrappers=written), "test")
    assert [each.code.text for each in recipe.wrappers] == names
    assert recipe.environment_options.wrappers == recipe.wrappers
    assert parse_agent(recipe.model_dump(mode="json"), "test") == recipe, "as run.yaml has it"


def test_arguments_are_data() -> None:
    (wrapper,) = parse_agent(agent(wrappers=RESCALE), "test").wrappers
    assert wrapper.arguments == {"min_action": -1, "max_action": [1, 1]}
    assert str(wrapper) == "RescaleAction(min_action=-1, max_action=[1, 1])"


def test_an_override_takes_the_same_forms() -> None:
    recipe = resolve(
        load_agent("hyper-ppo"), load_family("ode"), ["wrappers={TimeLimit: {max_episode_steps: 9}}"]
    )
    assert recipe.wrappers == (WrapperRecipe(name="TimeLimit", arguments={"max_episode_steps": 9}),)


def test_files_are_looked_for_beside_the_agents(tmp_path: Any) -> None:
    (tmp_path / "mine.yaml").write_text(
        "{about: x, algorithm: {name: ppo}, policy: {kind: blind},"
        " wrappers: [TimeAwareObservation, mine.py:Mine, {name: 'far:Far', folder: ../far}]}"
    )
    folders = [each.folder for each in load_agent(str(tmp_path / "mine.yaml")).wrappers]
    assert folders == [None, str(tmp_path), str(tmp_path.parent / "far")]


MISTAKES = [
    ("TimeAwareObservatoin", "found 'TimeAwareObservatoin'; did you mean 'TimeAwareObservation'?"),
    ("nothing like it", 'wrappers.0: found "nothing like it"; allowed: the name of a wrapper'),
    ("minigrid.wrappers.FlatObsWrapper", "allowed: minigrid.wrappers:FlatObsWrapper"),
    ("gymnasium.wrappers.vector.ClipReward", "wraps vector environments"),
    ("DictInfoToList", "wrappers.0: DictInfoToList wraps vector environments"),
    ("NormalizeObservation", "statistics that no checkpoint holds; allowed: the field 'normalize'"),
    ("NormalizeReward", "statistics that no checkpoint holds; allowed: the field 'normalize'"),
    ("TransformReward", "allowed: a wrapper of your own, file.py:Class"),
    ("RecordVideo", "allowed: hyperrl watch --video"),
    ("RescaleAction", "wrappers.0: RescaleAction: argument 'min_action' is missing"),
    (
        [{"RescaleAction": {"min_acton": -1, "max_action": 1}}],
        "wrappers.0: RescaleAction: unknown argument 'min_acton'; did you mean 'min_action'?",
    ),
    ([{"FlattenObservation": {"deep": 1}}], "FlattenObservation: unknown argument 'deep'; allowed: none"),
    ([{"RescaleAction": 3}], "wrappers.0.RescaleAction: found 3; allowed: its arguments"),
    (
        [{"RescaleAction": {"min_action": float("inf"), "max_action": 1}}],
        "wrappers.0.RescaleAction.min_action: found Infinity; allowed: true, false, a finite number, text",
    ),
    ([{"mine.py:Mine": {"__init__": 1}}], "allowed: the name of a Python attribute"),
    (5, "wrappers: found 5; allowed: a list"),
    ([5], "wrappers.0: found 5; allowed: a mapping"),
    ([{"nam": "TimeLimit", "arguments": {}}], "wrappers.0.nam: unknown field"),
    (["OrderEnforcing"] * 33, "wrappers: found"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "says"), MISTAKES)
def test_mistakes(written: Any, says: str) -> None:
    assert says in refusal(parse_agent, agent(wrappers=written), "test")


@pytest.mark.parametrize("name", REFUSED)
def test_gymnasiums_wrappers_that_cannot_work_are_refused_by_name(name: str) -> None:
    assert name in wrappers.__all__
    assert refusal(parse_agent, agent(wrappers=name), "test") == f"test: wrappers.0: {name} {REFUSED[name]}"


def test_all_others_of_gymnasiums_are_single_wrappers_whose_arguments_are_known() -> None:
    for name in set(wrappers.__all__) - set(REFUSED):
        kind = getattr(wrappers, name)
        assert issubclass(kind, gym.Wrapper)
        assert "unknown argument 'nonsense'" in str(argument_fault(kind, {"nonsense": 1}))
        assert not any(
            "Callable" in str(each.annotation)
            for each in inspect.signature(kind, eval_str=True).parameters.values()
        ), name


def test_arguments_of_a_constructor() -> None:
    class Mine(gym.Wrapper[Any, Any, Any, Any]):
        def __init__(self, env: Any, scale: float, *, shift: float = 0.0) -> None: ...

    class Open(gym.Wrapper[Any, Any, Any, Any]):
        def __init__(self, env: Any, **more: Any) -> None: ...

    assert argument_fault(Mine, {"scale": 1}) is argument_fault(Mine, {"scale": 1, "shift": 2}) is None
    assert argument_fault(Mine, {}) == "argument 'scale' is missing"
    assert argument_fault(Mine, {"env": 1, "scale": 1}) == "unknown argument 'env'; known: scale, shift"
    assert argument_fault(Open, {"anything": 1}) is None
