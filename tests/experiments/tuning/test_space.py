import json

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from hyperrl.experiments.tuning.space import distributions, overrides, own_values
from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.recipes.search import Categorical, Span, dimensions

SPACE = dimensions(
    {
        "algorithm.learning_rate": Span(low=1e-5, high=1e-2, log=True),
        "algorithm.gae_lambda": Span(low=0.85, high=0.95, step=0.05),
        "algorithm.n_epochs": Span(low=2, high=10, step=4),
        "policy.net_arch": Categorical(choices=([8], {"pi": [8], "vf": [4]})),
        "algorithm.target_kl": Categorical(choices=(None, 0.01)),
    },
    resolve(load_agent("concat-ppo"), load_family("ode")),
)


def test_distributions() -> None:
    assert distributions(SPACE) == {
        "algorithm.learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
        "algorithm.gae_lambda": FloatDistribution(0.85, 0.95, step=0.05),
        "algorithm.n_epochs": IntDistribution(2, 10, step=4),
        "policy.net_arch": CategoricalDistribution(["[64, 64]", "[8]", '{"pi": [8], "vf": [4]}']),
        "algorithm.target_kl": CategoricalDistribution(["null", "0.01"]),
    }


def test_own_values_change_nothing() -> None:
    agent, family = load_agent("concat-ppo"), load_family("ode")
    values = own_values(SPACE)
    assert values["algorithm.n_epochs"] == 10
    assert all(distributions(SPACE)[name]._contains(distributions(SPACE)[name].to_internal_repr(value))
               for name, value in values.items())  # fmt: skip
    assert resolve(agent, family, overrides(SPACE, values)) == resolve(agent, family)


def test_values_become_overrides() -> None:
    values = {
        "algorithm.learning_rate": 1.5e-05, "algorithm.gae_lambda": 0.9, "algorithm.n_epochs": 6,
        "policy.net_arch": json.dumps({"pi": [8], "vf": [4]}), "algorithm.target_kl": "null",
    }  # fmt: skip
    agent = resolve(load_agent("concat-ppo"), load_family("ode"), overrides(SPACE, values))
    data = agent.model_dump()
    assert (data["algorithm"]["learning_rate"], data["algorithm"]["n_epochs"]) == (1.5e-05, 6)
    assert data["policy"]["net_arch"] == {"pi": (8,), "vf": (4,)}
