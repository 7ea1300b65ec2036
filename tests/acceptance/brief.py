"""Training as shipped but for what takes long: agents learn within 2,000 steps and are evaluated briefly."""

import pytest

from hyperrl.recipes import SPLITS, AgentRecipe, FamilyRecipe, Splits
from hyperrl.tasks import Family

STEPS = 2000


def rollouts(agent: AgentRecipe) -> list[str]:
    """Overrides by which an agent learns within so few steps: two rollouts, or some hundred updates."""
    algorithm = agent.algorithm
    if algorithm.off_policy:
        return ["n_envs=8", "algorithm.gradient_steps=1"]
    most = {"n_steps": 125, "batch_size": 250}
    small = {name: min(value, getattr(algorithm, name, value)) for name, value in most.items()}
    given = [f"algorithm.{name}={value}" for name, value in small.items() if hasattr(algorithm, name)]
    return ["n_envs=8", *given]


def abridged(recipe: FamilyRecipe) -> Family:
    """The family with the first tasks of each split, an episode to evaluate each; simulators' are short."""
    whole = Family(recipe)
    first = {name: whole.tasks(name)[: 4 if name == "train" else 1] for name in SPLITS}
    splits = Splits.model_validate(
        {name: [{"list": tasks}] if tasks else [] for name, tasks in first.items()}
    )
    evaluation = recipe.evaluation.model_copy(update={"episodes": 1})
    kwargs = {"max_episode_steps": 250} if recipe.extra else {}
    update = {"splits": splits, "evaluation": evaluation, "kwargs": {**recipe.kwargs, **kwargs}}
    return Family(recipe.model_copy(update=update))


def draw_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure of return over the context, which a run ends with, has few points."""
    from hyperrl.training.telemetry import figure

    monkeypatch.setattr(figure, "LINE", 3)
    monkeypatch.setattr(figure, "PLANE", 2)
