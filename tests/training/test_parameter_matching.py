import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import AgentRecipe, ConcatPolicyRecipe, load_agent
from hyperrl.tasks import Family
from hyperrl.training.parameter_matching import count_parameters, match_widths, nearest_width
from tests.training.conftest import Start

MATCHED = "concat-ppo-matched"


def concat(**policy: object) -> AgentRecipe:
    data = load_agent(MATCHED).model_dump()
    return AgentRecipe.parse({**data, "policy": {**data["policy"], **policy}}, "test")


@pytest.mark.parametrize("name", ["ode", "cartpole"])
def test_no_other_width_comes_nearer(name: str) -> None:
    family = Family.load(name)
    spaces = family.observation_space, family.action_space
    agent = load_agent(MATCHED)
    assert isinstance(agent.policy, ConcatPolicyRecipe)
    other = agent.policy.match_parameters
    assert other is not None
    wanted = count_parameters(load_agent(other), *spaces)
    resolved = match_widths(agent, family)
    assert isinstance(resolved.policy, ConcatPolicyRecipe)
    assert resolved.policy.match_parameters is None
    arch = resolved.policy.net_arch
    assert isinstance(arch, tuple)
    assert len(set(arch)) == 1
    assert len(arch) == len(agent.policy.net_arch)  # type: ignore[arg-type]
    off = abs(count_parameters(resolved, *spaces) - wanted)
    for width in (arch[0] - 1, arch[0] + 1):
        changed = concat(net_arch=[width] * len(arch), match_parameters=None)
        assert abs(count_parameters(changed, *spaces) - wanted) >= off
    assert off < 0.05 * wanted


def test_actor_and_critic_keep_their_depths() -> None:
    family = Family.load("ode")
    agent = concat(net_arch={"pi": [3], "vf": [3, 3, 3]})
    resolved = match_widths(agent, family)
    assert (len(resolved.policy.net_arch.pi), len(resolved.policy.net_arch.vf)) == (1, 3)  # type: ignore[union-attr]


def test_other_agents_come_back_as_they_are() -> None:
    family = Family.load("ode")
    agent = load_agent("hyper-ppo")
    assert match_widths(agent, family) is agent


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"match_parameters": "hyper-pop"}, "hyper-ppo"),
        ({"match_parameters": MATCHED}, "itself matches another"),
        ({"net_arch": []}, "needs hidden layers"),
    ],
)
def test_what_cannot_be_matched_is_reported(policy: dict[str, object], message: str) -> None:
    family = Family.load("ode")
    with pytest.raises(UserError, match=message):
        match_widths(concat(**policy), family)


@pytest.mark.parametrize("wanted", [0, 1, 4, 5, 6, 7, 10_000, 10_100, 10_101, 10**12])
def test_the_nearest_width_is_found(wanted: int) -> None:
    def count(width: int) -> int:
        return width * width

    found = nearest_width(count, wanted)
    widths = range(1, 200) if wanted < 10**6 else range(65_400, 65_537)
    assert found == min(widths, key=lambda width: (abs(count(width) - wanted), width))


@pytest.mark.usefixtures("no_telemetry")
def test_run_yaml_holds_the_resolved_widths(start: Start) -> None:
    run = start(MATCHED, "ode", steps=512)
    policy = run.spec.agent.policy
    assert isinstance(policy, ConcatPolicyRecipe)
    assert policy.match_parameters is None
    assert f"net_arch:\n    - {policy.net_arch[0]}\n" in (run.path / "run.yaml").read_text()  # type: ignore[index]
