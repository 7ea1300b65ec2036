"""What an algorithm and its policy have is asked of their view, and rediscovered in hardly any place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stable_baselines3.common.policies import BasePolicy

from hyperrl.policies import registry
from hyperrl.policies.base import HyperPolicy
from hyperrl.recipes import ALGORITHMS, is_missing, load_agent, shipped

LIBRARY = Path(__file__).parents[2] / "hyperrl"
HOMES = ("policies", "nets", "tasks")
"""The rooms that make models, policies and algorithms, and `tasks`, which knows none but MuJoCo's models."""

ASKED = re.compile(r"\b(model|policy|actor|critic|algorithm|q_net|quantile_net)(\[.*\])?$")
"""What is asked about: `model`, `self.model.policy`, `agent.algorithm` and so on."""
CLASSES = re.compile(
    r"Policy\b|Policy\w*Recipe|Algorithm|AgentRecipe|FamilyRecipe|Actor|Critic|QNetwork"
    r"|QuantileNetwork|\b(PPO|A2C|TRPO|RecurrentPPO|MaskablePPO|SAC|TD3|DDPG|TQC|DQN|QRDQN|CrossQ)\b"
)
NAMES = re.compile(
    r"['\"](\w*policy|\w*actor|\w*critic|\w*optimizer|q_net|quantile_net|\w*lstm\w*|model)['\"]"
)
MOST = 10


def rediscoveries(source: str) -> Iterator[int]:
    """Lines that ask of a model, a policy or an algorithm what class it has, or what attributes."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or len(call.args) < 2:
            continue
        name, first, second = call.func.id, ast.unparse(call.args[0]), ast.unparse(call.args[1])
        if name in ("isinstance", "issubclass") and (ASKED.search(first) or CLASSES.search(second)):
            yield call.lineno
        asks = name == "hasattr" or (name == "getattr" and len(call.args) == 3)
        if asks and (ASKED.search(first) or NAMES.search(second)):
            yield call.lineno


def test_hardly_any_line_rediscovers_what_a_view_tells() -> None:
    found = [
        f"{path.relative_to(LIBRARY)}:{line}"
        for path in sorted(LIBRARY.rglob("*.py"))
        if path.relative_to(LIBRARY).parts[0] not in HOMES
        for line in sorted(set(rediscoveries(path.read_text())))
    ]
    assert len(found) <= MOST, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "isinstance(model, OffPolicyAlgorithm)",
        "isinstance(self.model.policy, HyperPolicy)",
        "isinstance(agent.policy, HyperPolicyRecipe)",
        "hasattr(policy.actor, 'latent_pi')",
        "getattr(model.policy, 'dynamic', True)",
        "hasattr(owner, 'quantile_net')",
        "issubclass(given, ActorCriticPolicy)",
    ],
)
def test_the_count_sees(line: str) -> None:
    assert list(rediscoveries(line)) == [1]


def test_the_count_sees_no_more() -> None:
    others = "isinstance(space, gym.spaces.Box)\nhasattr(env, 'render')\ngetattr(model, name)\n"
    assert not list(rediscoveries(others))


def test_every_algorithm_of_a_recipe_has_one_line() -> None:
    assert list(registry.VIEWS) == [recipe().name for recipe in ALGORITHMS]


@pytest.mark.parametrize("name", registry.VIEWS)
def test_an_algorithm_is_whole(name: str) -> None:
    """Its classes fit together, its policies are its own, and an agent of the suite learns by it."""
    recipe = registry.RECIPES[name]
    if is_missing(recipe.extra):
        pytest.skip(f"needs the extra {recipe.extra}")
    view = registry.algorithm(name)
    assert issubclass(view.hyper_policy, (HyperPolicy, view.sb3_policy))
    assert issubclass(view.plain_policy, view.sb3_policy)
    assert issubclass(view.sb3_policy, BasePolicy)
    assert (view.off_policy, view.recurrent) == (recipe.off_policy, recipe.recurrent)
    agents = [load_agent(agent) for agent in shipped("agents")]
    assert {agent.policy.kind for agent in agents if agent.algorithm.name == name} == {
        "hyper",
        "concat",
        "blind",
    }
