"""Lines that wrap environments; `test_entries.py` runs those that load files."""

from hyperrl.deploy.cards.spaces import Tensor
from hyperrl.deploy.cards.usage import run_lines, wrapping_lines
from hyperrl.recipes import WrapperRecipe
from hyperrl.recipes.environment import EnvironmentOptions


def test_the_innermost_comes_first() -> None:
    wrapper = WrapperRecipe.model_validate({"name": "FlattenObservation"})
    options = EnvironmentOptions(4, (wrapper,))
    assert [*wrapping_lines(options, 1, "one's.pkl")] == [
        "# below: FlattenObservation()",
        "env = VecFrameStack(env, 4)",
        'env = VecNormalize.load("one\'s.pkl", env)',
        "env.training = env.norm_reward = False  # to act; leave both to learn on",
    ]
    assert [*wrapping_lines(options, 2, None)] == ["# below: FlattenObservation()"]
    assert [*wrapping_lines(EnvironmentOptions(), 1, None)] == []


def test_what_a_run_needs_to_be_loaded() -> None:
    part = Tensor("obs", (2,), "float32", "numbers")
    plain = run_lines([part], {"c0": 2.0}, memory=False, own_family=False)
    assert plain.endswith("action = agent.act(np.zeros((2,), np.float32), {'c0': 2})\n")
    assert "reset" not in plain
    other = run_lines([part], {"c0": 2.0}, memory=True, own_family=True)
    assert "hyperrl.load('.', family=family)" in other
    assert "\nagent.reset()" in other
