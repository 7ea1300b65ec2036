"""Which agents fit which actions."""

import pytest
from gymnasium import spaces

from hyperrl.actions import fits
from hyperrl.errors import UserError
from hyperrl.recipes import load_agent
from hyperrl.tasks import Family
from hyperrl.tasks.actions import kind_of, kind_of_family, refuse_algorithm, refuse_family
from tests.masked import masked_family
from tests.suite import needs

SPACES: dict[str, spaces.Space[object]] = {
    "continuous": spaces.Box(-1.0, 1.0, (2,)),
    "discrete": spaces.Discrete(2),
    "other": spaces.MultiBinary(2),
}
FIT = [
    ("hyper-ppo", ["continuous", "discrete", "other"]),
    ("hyper-sac", ["continuous"]),
    ("blind-td3", ["continuous"]),
    ("hyper-dqn", ["discrete"]),
]


@pytest.mark.parametrize(("name", "kinds"), FIT)
def test_an_algorithm_takes_its_actions_and_refuses_others_in_one_line(name: str, kinds: list[str]) -> None:
    agent = load_agent(name)
    for kind, space in SPACES.items():
        assert kind_of(space) == kind
        assert fits(agent.algorithm.actions, kind) == (kind in kinds)
        if kind in kinds:
            refuse_algorithm(agent, space)
            continue
        algorithm = name.split("-")[1]
        says = f"agent '{name}': the algorithm '{algorithm}' is for {kinds[0]} actions; found "
        with pytest.raises(UserError, match=f"^{says}{type(space).__name__}") as error:
            refuse_algorithm(agent, space)
        assert "\n" not in str(error.value)


def test_kinds_of_families_are_masked_where_the_base_says_so() -> None:
    for actions, kind in {"discrete": "discrete", "multi-binary": "other", "from 2": "discrete"}.items():
        for by in ("method", "info"):
            assert kind_of_family(masked_family(actions, by)) == f"masked {kind}"
        assert kind_of_family(masked_family(actions, "neither")) == kind
    found = {name: kind_of_family(Family.load(name)) for name in ("ode", "cartpole", "wall-gap")}
    assert found == {"ode": "continuous", "cartpole": "discrete", "wall-gap": "masked discrete"}


@needs("contrib")
@pytest.mark.parametrize("actions", ["discrete", "multi-binary"])
def test_masks_are_needed_where_the_algorithm_is_for_them(actions: str) -> None:
    agent = load_agent("hyper-maskable-ppo")
    for by in ("method", "info"):
        refuse_family(agent, masked_family(actions, by))
    says = (
        r"^agent 'hyper-maskable-ppo': the algorithm 'maskable_ppo' is for masked actions; found"
        r" Multi\w+\(.*\)"
        r" without masks: neither a method action_masks\(\) nor info\['action_mask'\] \(`hyperrl list --fits"
    )
    if actions == "discrete":
        says = says.replace(r"Multi\w+", "Discrete")
    with pytest.raises(UserError, match=says) as error:
        refuse_family(agent, masked_family(actions, "neither"))
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"is for masked actions; found Box\([^)]*\)[^)]*\) \(`hyperrl list"):
        refuse_family(agent, Family.load("ode"))
    for name in ("hyper-ppo", "hyper-a2c"):
        refuse_family(load_agent(name), masked_family(actions))
