"""Weights for a family with other features, by their names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hyperrl import api
from hyperrl.recipes import parse_family
from hyperrl.store import Run, RunSpec
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from hyperrl.training.checkpoint import save_state
from tests.runs import SMALL, message
from tests.store.conftest import created
from tests.training.conftest import small

BASE = "hyperrl-base/double-integrator-v0"


def family(name: str, **features: tuple[float, float]) -> Family:
    """A family over the double integrator; its sign takes any value here."""
    fields = {
        key: {"about": key, "default": sum(train) / 2, "train": train} for key, train in features.items()
    }
    return Family(parse_family({"name": name, "about": "x", "base": BASE, "features": fields}, "test"))


OLD = family("old", mass=(0.5, 1.5), action_sign=(-1, 1))


def start(path: Path, agent: str, of: Family, *fields: str) -> Run:
    """An untrained run, whose weights are drawn."""
    recipe, _ = small(agent, "double-integrator", *fields)
    run = created(path, RunSpec.now(recipe, of.recipe, seed=0, steps=64))
    torch.manual_seed(3)
    model = bare_model(recipe, of.observation_space, of.action_space, to_learn=False)
    for parameter in model.policy.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    save_state(run, "latest", {"steps": 64, "policy": model.policy.state_dict()})
    return run


def generated(run: Run, of: Family, checkpoint: str, **context: float) -> dict[str, Any]:
    return api.load(run, checkpoint=checkpoint).weights(context)


@pytest.mark.parametrize("fields", [(), ("policy.hypernetwork.architecture=linear",)])
@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac"])
def test_features_of_the_same_name_have_the_same_effect_and_new_ones_none(
    tmp_path: Path, agent: str, fields: tuple[str, ...], no_figures: None
) -> None:
    fields = (*fields, "policy.net_arch=[8]", "policy.beyond=linear", "n_envs=2")
    run = start(tmp_path / "old", agent, OLD, *fields)
    wider = family("wider", action_sign=(-1, 1), wind=(0, 3), mass=(1.0, 2.0))
    wider = Family(wider.recipe, lambda **kwargs: _with_wind(OLD.make_base(**kwargs)))
    more = SMALL if agent == "hyper-ppo" else ("algorithm.learning_starts=1000", "evaluate_every=1000")
    new = api.train(agent, wider, steps=64, overrides=[*fields, *more], from_run=run, out=tmp_path / "new")
    for mass, sign in ((0.7, -1.0), (1.2, 1.0), (2.0, 0.3)):
        expected = api.load(run).weights({"mass": mass, "action_sign": sign})
        for wind in (0.0, 3.0):
            context = {"mass": mass, "action_sign": sign, "wind": wind}
            found = api.load(new, checkpoint="0", family=wider).weights(context)
            for name, weight in expected.items():
                np.testing.assert_allclose(found[name], weight, rtol=1e-4, atol=1e-5)


def test_a_feature_that_is_gone_is_in_the_middle_of_its_range(tmp_path: Path, no_figures: None) -> None:
    fields = (*SMALL, "policy.net_arch=[8]")
    run = start(tmp_path / "old", "hyper-ppo", OLD, *fields)
    fewer = family("fewer", action_sign=(-1, 1))
    new = api.train("hyper-ppo", fewer, steps=64, overrides=fields, from_run=run, out=tmp_path / "new")
    expected = api.load(run).weights({"mass": 1.0, "action_sign": 0.4})
    found = api.load(new, checkpoint="0").weights({"action_sign": 0.4})
    for name, weight in expected.items():
        np.testing.assert_allclose(found[name], weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("agent", "fields"),
    [
        ("concat-ppo", ()),
        ("hyper-ppo", ("policy.hypernetwork.context_dropout=0.2",)),
        ("hyper-ppo", ("policy.hypernetwork.architecture=transformer", "policy.hypernetwork.hidden=[8, 8]")),
        ("hyper-ppo", ("policy.hypernetwork.head_norm=weight",)),
    ],
)
def test_other_descriptors_are_refused_where_layers_do_more_with_them(
    tmp_path: Path, agent: str, fields: tuple[str, ...]
) -> None:
    fields = (*SMALL, "policy.net_arch=[8]", *fields)
    run = start(tmp_path / "old", agent, OLD, *fields)
    fewer = family("fewer", action_sign=(-1, 1))
    said = message(api.train, agent, fewer, overrides=fields, from_run=run, out=tmp_path / "new")
    assert said.startswith(
        f"run '{tmp_path / 'old'}' does not fit agent '{agent}' on family 'fewer': descrip"
    )
    assert "descriptors mass, action_sign, expected action_sign; allowed where they differ: an agent" in said
    assert not (tmp_path / "new").exists()


def _with_wind(env: Any) -> Any:
    env.unwrapped.wind = 0.0
    return env
