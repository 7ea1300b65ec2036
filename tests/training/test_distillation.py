"""A student that imitates."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.evaluation.demonstrations import Demonstrations
from hyperrl.recipes import load_agent, resolve
from hyperrl.store.spec import Distilled
from hyperrl.tasks import Family
from hyperrl.training import distill, load_model, resume, train
from hyperrl.training.build import bare_model
from hyperrl.training.distillation import imitate
from tests.training.conftest import short_episodes

FAMILY = Family.load("ode")


def advice(rows: int = 600, discrete: bool = False) -> Demonstrations:
    """A teacher that pushes x to 0 as hard as it is far, whatever the sign; every step pays 1."""
    random = np.random.default_rng(0)
    contexts = FAMILY.tasks("train")
    tasks = random.integers(len(contexts), size=rows)
    seen, later = random.uniform(-1, 1, (2, rows, 1)).astype(np.float32)
    signs = np.sign([context["c0"] for context in contexts])[tasks]
    advised = np.stack([-signs * seen[:, 0], np.zeros(rows)], axis=1).astype(np.float32)
    ends = random.random(rows) < 0.5
    return Demonstrations(
        tuple(contexts), tasks, {"obs": seen}, random.uniform(-1, 1, (rows, 2)).astype(np.float32), advised,
        np.ones(rows, np.float32), {"obs": later}, ends,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["hyper-ppo", "hyper-a2c", "hyper-sac", "hyper-td3", "concat-ppo"])
def test_a_student_learns_the_actions_and_their_value(name: str) -> None:
    """Half of all steps end an episode that pays 1 a step: with gamma 0.5, V = 1 + V / 4 = 4 / 3."""
    overrides = ["policy.net_arch=[16, 16]", "algorithm.learning_rate=3e-3", "algorithm.gamma=0.5"]
    overrides += ["algorithm.tau=0.05"] if name.endswith(("sac", "td3")) else []
    overrides += [] if name.startswith("concat") else ["policy.effort_coef=0"]
    agent = resolve(load_agent(name), FAMILY.recipe, overrides)
    torch.manual_seed(0)
    model: Any = bare_model(agent, FAMILY.observation_space, FAMILY.action_space)
    losses = list(imitate(model, agent, FAMILY, advice(), 600, seed=0))
    assert losses[-1]["actor"] < 0.03 * losses[0]["actor"]
    contexts = FAMILY.space.descriptors([{"c0": 5.0}, {"c0": -5.0}])
    seen = {"obs": np.full((2, 1), 0.5, np.float32), "context": contexts}
    actions, _ = model.policy.predict(seen, deterministic=True)
    np.testing.assert_allclose(actions, [[-0.5, 0.0], [0.5, 0.0]], atol=0.12)
    tensors, _ = model.policy.obs_to_tensor(seen)
    with torch.no_grad():
        if hasattr(model, "critic"):
            found = torch.cat(model.critic(tensors, torch.zeros(2, 2)), dim=1)
        else:
            found = model.policy.predict_values(tensors)
    np.testing.assert_allclose(found.numpy(), np.full(found.shape, 4 / 3), atol=0.25)


def test_choices_are_imitated_too() -> None:
    family = Family.load("cartpole")
    agent = resolve(load_agent("hyper-ppo"), family.recipe, ["algorithm.learning_rate=3e-3"])
    random = np.random.default_rng(0)
    seen = random.uniform(-1, 1, (400, 4)).astype(np.float32)
    advised = (seen[:, 2] > 0).astype(np.int64)
    contexts = tuple(family.tasks("train")[:4])
    found = Demonstrations(
        contexts, random.integers(4, size=400), {"obs": seen}, advised, advised,
        np.ones(400, np.float32), {"obs": seen}, np.zeros(400, np.bool_),
    )  # fmt: skip
    torch.manual_seed(0)
    model = bare_model(agent, family.observation_space, family.action_space)
    losses = list(imitate(model, agent, family, found, 200, seed=0))
    assert losses[-1]["actor"] < 0.3 < losses[0]["actor"]


def test_a_run_comes_out_that_only_another_run_can_go_on_from(tmp_path: Path) -> None:
    family = short_episodes(FAMILY, 20)
    small = ["algorithm.n_steps=16", "algorithm.batch_size=32", "n_envs=2", "evaluate_every=100000"]
    agent = resolve(load_agent("hyper-ppo"), family.recipe, small)
    origin = Distilled(teachers=("one", "two"), episodes=3, updates=20)
    runs = [distill(agent, family, advice(), origin, out=tmp_path / name, seed=5) for name in ("a", "b")]
    one, other = (load_model(run).policy.state_dict() for run in runs)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (runs[0].spec.distilled, runs[0].state, runs[0].status.steps) == (origin, "finished", 600)
    assert {*runs[0].checkpoints()} == {"latest"}
    assert "distill/actor_loss" in (runs[0].path / "progress.csv").read_text().splitlines()[0]
    with pytest.raises(UserError, match=r"was distilled, and has no training to go on with; train a new run"):
        resume(runs[0], steps=1000)
    further = train(agent, family, out=tmp_path / "c", steps=32, from_run=runs[0])
    assert further.state == "finished"


@pytest.mark.parametrize(
    ("agent", "overrides", "says"),
    [
        ("hyper-dqn", [], "algorithm.name: found dqn; allowed of a student: a2c, ppo, sac, td3"),
        ("hyper-ppo", ["normalize=true"], "normalize: found some; allowed of a student: none"),
        ("hyper-sac-inferred", [], "policy.inference: found some; allowed of a student: none"),
        (
            "hyper-sac",
            ["algorithm.use_sde=true"],
            "algorithm.use_sde: found true; allowed of a student: false",
        ),
    ],
)
def test_who_cannot_imitate_is_refused(agent: str, overrides: list[str], says: str, tmp_path: Path) -> None:
    student = resolve(load_agent(agent), FAMILY.recipe, overrides)
    origin = Distilled(teachers=("one",), episodes=1, updates=1)
    with pytest.raises(UserError, match=says):
        distill(student, FAMILY, advice(), origin, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
