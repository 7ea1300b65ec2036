"""How an agent infers contexts, in its file."""

import pytest

from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.recipes.base import RecipeError
from hyperrl.recipes.inference import Inference

ODE = load_family("ode")


def test_an_agent_infers_where_its_file_says_so() -> None:
    assert load_agent("hyper-sac").inference is None
    assert load_agent("blind-sac").inference is None
    remembering = {
        name for name in ("blind-sac", "hyper-sac", "hyper-sac-inferred") if load_agent(name).remembers
    }
    assert remembering == {"hyper-sac-inferred"}
    assert resolve(load_agent("hyper-sac"), ODE, ["policy.inference={}"]).inference == Inference()
    assert load_agent("concat-sac-inferred").inference == Inference(window=16, latent=8, hidden=(64, 64))


@pytest.mark.parametrize(
    ("agent", "overrides", "says"),
    [
        (
            "hyper-ppo",
            ["policy.inference={}"],
            "policy.inference: found .*; allowed: none with the algorithm 'ppo'",
        ),
        ("blind-sac", ["policy.inference={}"], "policy.inference: unknown field"),
        ("hyper-sac-inferred", ["policy.inference.windw=4"], "windw: unknown field; did you mean 'window'"),
        (
            "hyper-sac-inferred",
            ["policy.inference.latent=1"],
            "policy.inference.latent: found 1; allowed: .*2",
        ),
        ("hyper-sac-inferred", ["policy.inference.window=0"], "policy.inference.window: found 0; allowed"),
        ("hyper-sac-inferred", ["policy.inference.hidden=[]"], "policy.inference.hidden: found "),
        (
            "hyper-sac-inferred",
            ["policy.hypernetwork.inputs=[context, state]"],
            r"policy.hypernetwork.inputs: found .*; allowed: \[context\] beside policy.inference",
        ),
        (
            "hyper-sac-inferred",
            ["policy.hypernetwork.context_dropout=0.5"],
            "policy.hypernetwork.context_dropout: found 0.5; allowed: 0.0 beside policy.inference",
        ),
        (
            "hyper-sac-inferred",
            ["context_noise=0.1"],
            "context_noise: found 0.1; allowed: 0 with policy.inference",
        ),
        (
            "hyper-sac",
            ["policy.hypernetwork.inputs=[latent]"],
            "policy.hypernetwork.inputs: found .*; allowed: no 'latent' without policy.inference",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(agent: str, overrides: list[str], says: str) -> None:
    with pytest.raises(RecipeError, match=says) as caught:
        resolve(load_agent(agent), ODE, overrides)
    assert "\n" not in str(caught.value)
