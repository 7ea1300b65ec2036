"""Who sees the context: the hypernetwork and never its target; concat's network; none of a blind agent's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.torch_layers import CombinedExtractor
from torch import Tensor

from hyperrl.policies import BlindExtractor, ContextExtractor, HyperActorCriticPolicy
from hyperrl.policies.extractors import PartsExtractor, vectors_of
from tests.policies.worlds import (
    OBSERVATIONS,
    STRATEGIES,
    disturb,
    image,
    model,
    policy,
    samples,
    tensors,
    vector,
    venv,
)

BATCH = samples(OBSERVATIONS["context"], 8)
PICTURES = spaces.Dict(picture=image(channel_last=False), speed=vector(2), context=vector(2))


def outputs(made: Any, batch: dict[str, Any]) -> Tensor:
    made.set_training_mode(False)
    observations = tensors(made, batch)
    with torch.no_grad():
        distribution = made.get_distribution(observations)
        return torch.cat([distribution.mode().float().flatten(1), made.predict_values(observations)], dim=1)


def elsewhere(batch: dict[str, Any]) -> list[dict[str, Any]]:
    context = batch["context"]
    others = (
        -context,
        context[::-1].copy(),
        np.zeros_like(context),
        context * 100,
        np.full_like(context, 7.0),
    )
    return [{**batch, "context": one} for one in others]


def depends_on_context(made: Any, batch: dict[str, Any]) -> bool:
    found = outputs(made, batch)
    # batches of one task and of many are summed in different orders
    changed = [(found - outputs(made, other)).abs().max() > 1e-5 for other in elsewhere(batch)]
    assert all(changed) or not any(changed)
    return all(changed)


def hypernetwork_sees(made: HyperActorCriticPolicy, change: Callable[[Tensor], Tensor]) -> None:
    """Puts a function between the descriptors and the hypernetwork, and nowhere else."""

    def hook(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (change(inputs[0]), *inputs[1:])

    made.generated.hyper.register_forward_pre_hook(hook)
    made.generated.fused = False
    made.generated.clear_cache()


@pytest.mark.parametrize("options", [{}, {"use_sde": True}, {"share_features_extractor": False}])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_context_reaches_the_outputs_through_the_weights_alone(
    strategy: str, options: dict[str, Any]
) -> None:
    made = policy("context", strategy=strategy, **options)
    assert depends_on_context(made, BATCH)
    hypernetwork_sees(made, torch.zeros_like)
    assert not depends_on_context(made, BATCH)
    assert outputs(made, BATCH).std(dim=0).min() > 0


@pytest.mark.parametrize("space", ["context", "contexts of several kinds", "pictures"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_gradient_reaches_the_context_but_through_the_hypernetwork(strategy: str, space: str) -> None:
    options: dict[str, Any] = (
        {"features_extractor_kwargs": {"cnn_output_dim": 8}} if space == "pictures" else {}
    )
    made = policy(PICTURES if space == "pictures" else space, strategy=strategy, **options)
    batch = tensors(made, samples(made.observation_space, 5))
    batch["context"].requires_grad_()

    def gradient() -> Tensor:
        found: Tensor = torch.autograd.grad(made.predict_values(batch).sum(), batch["context"])[0]
        return found

    assert gradient().abs().min() > 0
    hypernetwork_sees(made, lambda descriptors: descriptors.detach() + 0 * descriptors)
    assert not gradient().any()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_target_is_as_wide_as_the_observation_without_its_context(strategy: str) -> None:
    made = policy("contexts of several kinds", strategy=strategy)
    weights = made.generated_weights(torch.zeros(1, 1))
    assert weights["actor.0.weight"].shape[2] == weights["critic.0.weight"].shape[2] == 3 + 4 + 2


@pytest.mark.parametrize("key", ["aaa", "zzz"])
def test_the_context_is_found_wherever_its_key_sorts(key: str) -> None:
    """Gymnasium orders a dictionary by its keys, SB3's extractors follow it."""
    space = spaces.Dict({key: vector(4), "context": vector(2)})
    made = policy(space)
    batch = {key: torch.randn(3, 4), "context": torch.randn(3, 2)}
    weights = made.generated_weights(batch["context"])
    h = batch[key].unsqueeze(2)
    for layer in range(3):
        h = weights[f"critic.{layer}.weight"] @ h + weights[f"critic.{layer}.bias"].unsqueeze(2)
        h = h.tanh() if layer < 2 else h
    torch.testing.assert_close(made.predict_values(batch), h.squeeze(2), rtol=1e-5, atol=1e-6)


def baseline(blind: bool, space: spaces.Dict, algorithm: Any = PPO, **options: Any) -> Any:
    if blind:
        options["features_extractor_class"] = BlindExtractor
    built = model(venv(space), algorithm, "MultiInputPolicy", **options)
    built.learn(16)
    disturb(built.policy)
    return built.policy


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize("options", [{}, {"share_features_extractor": False}, {"use_sde": True}])
def test_blind_agents_do_not_see_the_context_and_concat_ones_do(
    algorithm: Any, options: dict[str, Any]
) -> None:
    space = OBSERVATIONS["context"]
    assert isinstance(space, spaces.Dict)
    blind = baseline(True, space, algorithm, **options)
    assert blind.features_dim == 4
    assert not depends_on_context(blind, BATCH)
    assert outputs(blind, BATCH).std(dim=0).min() > 0
    concat = baseline(False, space, algorithm, **options)
    assert concat.features_dim == 6
    assert depends_on_context(concat, BATCH)


@pytest.mark.parametrize("normalize_images", [True, False])
def test_a_blind_agent_with_images(normalize_images: bool) -> None:
    blind = baseline(
        True,
        PICTURES,
        normalize_images=normalize_images,
        features_extractor_kwargs={"cnn_output_dim": 8},
    )
    assert blind.features_dim == 10
    assert not depends_on_context(blind, samples(PICTURES, 4))


def test_a_blind_agent_without_a_context_is_sb3s_own() -> None:
    space = OBSERVATIONS["dictionary"]
    assert isinstance(space, spaces.Dict)
    batch = samples(space, 6)
    assert torch.equal(outputs(baseline(True, space), batch), outputs(baseline(False, space), batch))


def test_hyper_over_a_blind_extractor_still_gets_the_context() -> None:
    made = policy("context", features_extractor_class=BlindExtractor)
    assert isinstance(made.features_extractor, ContextExtractor)
    assert depends_on_context(made, BATCH)


@pytest.mark.parametrize(
    ("space", "parts"),
    [
        (OBSERVATIONS["context"], ("obs",)),
        (spaces.Dict(b=vector(2), a=vector(3), context=vector(1)), ("a", "b")),
        (OBSERVATIONS["contexts of several kinds"], ()),
        (spaces.Dict(obs=spaces.Box(-1, 1, (2,), np.float64), context=vector(1)), ()),
        (spaces.Dict(obs=vector(2), context=spaces.Discrete(3)), ()),
    ],
    ids=str,
)
def test_vectors_are_their_own_features(space: spaces.Dict, parts: tuple[str, ...]) -> None:
    extractor: Any = ContextExtractor(space)
    assert extractor.vectors == parts
    made: Any = policy(space)
    observations = tensors(made, samples(space, 5))
    expected = extractor(preprocess_obs(observations, space))
    found = vectors_of(extractor, observations)
    assert (found is not None) == bool(parts)
    if found is not None:
        assert torch.equal(torch.cat(found, dim=1), expected)
    assert torch.equal(made.extract_features(observations), expected)
    doubles = {name: part.double() for name, part in observations.items()}
    torch.testing.assert_close(made.extract_features(doubles), expected, check_dtype=False)


def test_extractors_of_a_users_own_stay_in_use() -> None:
    class Doubled(ContextExtractor):
        """Sees everything twice as large."""

        def forward(self, observations: Any) -> Tensor:
            return 2 * super().forward(observations)

    space = OBSERVATIONS["context"]
    made: Any = policy(space, features_extractor_class=Doubled)
    observations = tensors(made, samples(space, 5))
    plain: Any = policy(space).extract_features(observations)
    assert torch.equal(made.extract_features(observations), 2 * plain)
    assert ContextExtractor(space, CombinedExtractor).vectors == ()
    assert vectors_of(made.features_extractor, observations) is None


@pytest.mark.parametrize("beyond", ["linear", "saturate"])
def test_concatenation_saturates_the_context_alone(beyond: Any) -> None:
    extractor = PartsExtractor(OBSERVATIONS["context"], beyond=beyond)  # type: ignore[arg-type]
    seen = {"obs": torch.full((1, 4), 3.0), "context": torch.tensor([[2.0, torch.nan]])}
    context, obs = extractor(seen).split([2, 4], dim=1)
    assert obs.tolist() == [[3.0] * 4]
    assert context[0, 0] == (1.0 if beyond == "saturate" else 2.0)
    assert context[0, 1].isnan()
    assert not list(extractor.parameters())


def test_an_unknown_choice_beyond_the_range_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond: found 'clip'; allowed: 'linear', 'saturate'"):
        PartsExtractor(OBSERVATIONS["context"], beyond="clip")  # type: ignore[arg-type]
