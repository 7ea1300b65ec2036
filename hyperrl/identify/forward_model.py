"""A generated forward model: a hypernetwork whose target predicts what a step changes, given the task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hyperrl.errors import UserError
from hyperrl.identify.forward_data import ForwardData
from hyperrl.identify.forward_files import ForwardSpec, read_model
from hyperrl.identify.transitions import REWARD, Transitions
from hyperrl.nets import MLP, HyperNetwork, Rows
from hyperrl.recipes import Context
from hyperrl.store import Run
from hyperrl.tasks import Family

Floats = NDArray[np.float64]
_LEAST = 1e-8


class ForwardModel(nn.Module):
    """Predicts rows of changes (and the reward) from rows of observations and actions, for tasks.

    The target network sees observation and action alone; the descriptor reaches it through its weights.

    Args:
        descriptor_dim: numbers in a descriptor.
        width: numbers in an input.
        columns: numbers in an output.
        hidden: widths of the target network's hidden layers.
        rank: of the changes of its weights that are generated.
    """

    mean: Tensor
    deviation: Tensor
    out_mean: Tensor
    out_deviation: Tensor
    changing: Tensor

    def __init__(
        self, descriptor_dim: int, width: int, columns: int, hidden: tuple[int, ...], rank: int
    ) -> None:
        super().__init__()
        target = MLP(in_features=width, out_features=columns, hidden=hidden)
        self.hyper = HyperNetwork(descriptor_dim, target, "low-rank", rank=rank, hidden=(64, 64))
        for name, size in (("mean", width), ("out_mean", columns)):
            self.register_buffer(name, torch.zeros(size))
            self.register_buffer(name.replace("mean", "deviation"), torch.ones(size))
        self.register_buffer("changing", torch.ones(columns))

    def normalize_by(self, inputs: Floats, outputs: Floats) -> None:
        """Take means and deviations of the rows that it learns from, and which columns change at all."""
        for prefix, rows in (("", inputs), ("out_", outputs)):
            deviation = rows.std(axis=0)
            deviation[deviation < _LEAST] = 1.0
            for name, values in (("mean", rows.mean(axis=0)), ("deviation", deviation)):
                getattr(self, prefix + name).copy_(torch.as_tensor(values, dtype=torch.float32))
        self.changing.copy_(torch.as_tensor(outputs.std(axis=0) >= _LEAST))

    def forward(self, inputs: Tensor, descriptors: Tensor, index: Tensor) -> Tensor:
        """Outputs in units of their deviations, (rows, columns).

        Args:
            inputs: (rows, width), as they are.
            descriptors: (tasks, D), different tasks.
            index: (rows,), the task of each row.
        """
        scaled = (inputs - self.mean) / self.deviation
        fused = self.hyper.fused(descriptors, Rows.of(index, len(descriptors)))
        assert fused is not None  # low-rank changes of a multilayer perceptron with tanh have this form
        (outputs,) = fused.apply(scaled, "")
        return outputs

    def predict(self, inputs: Tensor, descriptors: Tensor, index: Tensor) -> Tensor:
        """Outputs in their own units, (rows, columns)."""
        outputs: Tensor = self(inputs, descriptors, index)
        return outputs * self.out_deviation + self.out_mean


def model_of(spec: ForwardSpec, family: Family, tensors: Mapping[str, Tensor]) -> ForwardModel:
    """The forward model of a file; UserError where its weights are of another shape, or not finite."""
    model = ForwardModel(
        family.space.descriptor_dim, spec.width, len(spec.columns), tuple(spec.hidden), spec.rank
    )
    try:
        model.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise UserError(f"forward model of {spec.family!r}: its weights are of another network") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise UserError(f"forward model of {spec.family!r}: found weights that are not finite")
    return model.eval()


def learned_model(run: Run, family: Family) -> tuple[Callable[[Transitions], LearnedModel], float]:
    """The run's forward model as a function of recorded transitions, and the power of its likelihood.

    Raises:
        UserError: the run has none, or a damaged one.
    """
    data = ForwardData(family)
    spec, tensors = read_model(run, data)
    model = model_of(spec, family, tensors)
    return partial(LearnedModel, model, np.array(spec.errors), data, family), spec.power


class LearnedModel:
    """Predicts recorded transitions under many contexts at once, by a forward model.

    Attributes: see `hyperrl.identify.likelihood.Predictor`.
    """

    step = 0.01

    def __init__(
        self, model: ForwardModel, errors: Floats, data: ForwardData, family: Family, transitions: Transitions
    ) -> None:
        """Take the model, the size of its errors by column, and the transitions."""
        outputs = data.outputs(transitions)
        places = [
            place
            for place, name in enumerate(data.columns)
            if model.changing[place] and (name != REWARD or transitions.rewards is not None)
        ]
        self._model, self._space, self._columns = model, family.space, torch.tensor(places)
        self._inputs = torch.as_tensor(data.inputs(transitions), dtype=torch.float32)
        self.columns: tuple[str, ...] = tuple(data.columns[place] for place in places)
        self.observed = self.changes = outputs[:, places]
        self.least = np.square(errors[places])

    def predict(self, contexts: Floats) -> Floats:
        """See `Predictor.predict`."""
        features, names = self._space.features, self._space.names
        tasks = [Context(features, dict(zip(names, row, strict=True))) for row in contexts.tolist()]
        descriptors = torch.as_tensor(self._space.descriptors(tasks))
        count, steps = len(contexts), len(self._inputs)
        index = torch.arange(count).repeat_interleave(steps)
        with torch.no_grad():
            found = self._model.predict(self._inputs.repeat(count, 1), descriptors, index)
        chosen: Floats = found[:, self._columns].numpy().astype(np.float64)
        return chosen.reshape(count, steps, -1)
