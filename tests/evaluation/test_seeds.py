from pathlib import Path

import pytest

from hyperrl import api
from hyperrl.errors import UserError
from hyperrl.evaluation.seeds import check_same_experiment
from hyperrl.recipes import WrapperRecipe, load_family
from hyperrl.store import Run
from tests.runs import message
from tests.store.conftest import created


def test_runs_that_are_no_seeds_are_refused(runs: Path, tmp_path: Path) -> None:
    text = message(api.evaluate, [runs / "seed-0", runs / "concat"])
    assert "no seeds of one agent: agent.name is 'hyper-ppo' and 'concat-ppo'" in text
    spec = Run.open(runs / "concat").spec
    discount = spec.agent.algorithm.model_copy(update={"gamma": 0.5})
    other = spec.model_copy(update={"agent": spec.agent.model_copy(update={"algorithm": discount})})
    text = message(api.evaluate, [runs / "concat", created(tmp_path / "a", other)])
    assert "agent.algorithm.gamma is" in text
    family = spec.model_copy(update={"family": load_family("ode-2d")})
    text = message(api.evaluate, [runs / "concat", created(tmp_path / "b", family)])
    assert "no seeds of one family: family.name is 'ode' and 'ode-2d'" in text
    assert "given twice" in message(api.evaluate, [runs / "seed-0", Run.open(runs / "seed-0")])
    assert "at least one run" in message(api.evaluate, [])


def test_descriptions_may_differ_and_lists_are_not_printed(runs: Path, tmp_path: Path) -> None:
    spec = Run.open(runs / "concat").spec
    other = spec.model_copy(update={"agent": spec.agent.model_copy(update={"about": "another one"})})
    check_same_experiment([Run.open(runs / "concat"), created(tmp_path / "a", other)])
    wide = spec.agent.policy.model_copy(update={"net_arch": (128, 128)})
    other = spec.model_copy(update={"agent": spec.agent.model_copy(update={"policy": wide})})
    with pytest.raises(UserError, match=r"agent\.policy\.net_arch differs; evaluate them one by one"):
        check_same_experiment([Run.open(runs / "concat"), created(tmp_path / "b", other)])


def test_a_wrappers_folder_may_differ_and_its_arguments_may_not(runs: Path, tmp_path: Path) -> None:
    spec = Run.open(runs / "concat").spec

    def wrapped(place: str, **fields: object) -> Run:
        wrapper = WrapperRecipe.model_validate({"name": "mine.py:Mine", **fields})
        agent = spec.agent.model_copy(update={"wrappers": (wrapper,)})
        return created(tmp_path / place, spec.model_copy(update={"agent": agent}))

    one = wrapped("one", folder="/here")
    check_same_experiment([one, wrapped("two", folder="/there")])
    with pytest.raises(UserError, match=r"agent\.wrappers differs; evaluate them one by one"):
        check_same_experiment([one, wrapped("three", arguments={"x": 1})])
