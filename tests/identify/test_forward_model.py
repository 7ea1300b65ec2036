"""The generated network, and predictions of recorded transitions."""

import numpy as np
import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.identify.forward_data import ForwardData
from hyperrl.identify.forward_files import ForwardSpec
from hyperrl.identify.forward_model import ForwardModel, LearnedModel, model_of
from hyperrl.identify.playing import play_tasks
from hyperrl.identify.transitions import Transitions
from hyperrl.tasks import Family

FAMILY = Family.load("cartpole")
DATA = ForwardData(FAMILY)
SPEC = ForwardSpec(
    family="cartpole", columns=DATA.columns, width=DATA.width, hidden=(8,), rank=2, transitions=10,
    updates=1, seed=0, errors=(0.1,) * 5, power=0.5, covered=0.9, weights=f"weights-{'0' * 16}.safetensors",
)  # fmt: skip


@pytest.fixture
def model() -> ForwardModel:
    return ForwardModel(5, DATA.width, 5, (8,), 2)


def transitions() -> Transitions:
    (found,) = play_tasks(FAMILY, [{}], seeds=[0])
    return found


def test_many_contexts_in_one_batch_are_those_one_by_one(model: ForwardModel) -> None:
    learned = LearnedModel(model, np.full(5, 0.1), DATA, FAMILY, transitions())
    contexts = FAMILY.space.values(FAMILY.tasks("train")[:4])
    together = learned.predict(contexts)
    assert together.shape == (4, len(transitions()), 5)
    for context, found in zip(contexts, together, strict=True):
        np.testing.assert_allclose(learned.predict(context[None])[0], found, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4


def test_columns_that_never_change_or_were_not_recorded_are_left_out(model: ForwardModel) -> None:
    played = transitions()
    model.normalize_by(DATA.inputs(played), DATA.outputs(played))
    learned = LearnedModel(model, np.full(5, 0.1), DATA, FAMILY, played)
    assert learned.columns == ("obs.0", "obs.1", "obs.2", "obs.3")  # every step pays 1
    np.testing.assert_allclose(learned.least, 0.01)
    model.changing[:] = 1
    silent = Transitions(played.observations, played.actions, played.next_observations)
    assert LearnedModel(model, np.full(5, 0.1), DATA, FAMILY, silent).columns == learned.columns
    assert LearnedModel(model, np.full(5, 0.1), DATA, FAMILY, played).columns[-1] == "reward"


def test_weights_of_a_file_are_checked(model: ForwardModel) -> None:
    tensors = model.state_dict()
    same = model_of(SPEC, FAMILY, tensors)
    one, other = (
        LearnedModel(each, np.full(5, 0.1), DATA, FAMILY, transitions()).predict(np.ones((1, 5)))
        for each in (model, same)
    )
    np.testing.assert_array_equal(one, other)
    with pytest.raises(UserError, match="its weights are of another network"):
        model_of(SPEC.model_copy(update={"rank": 3}), FAMILY, tensors)
    bad = {**tensors, "mean": torch.full((6,), float("nan"))}
    with pytest.raises(UserError, match="weights that are not finite"):
        model_of(SPEC, FAMILY, bad)
