"""Fits a forward model to transitions of the training tasks, and measures it on the validation tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.policy import Policy
from hyperrl.evaluation.progress import Progress, Ticker
from hyperrl.identify.forward_data import ForwardData
from hyperrl.identify.forward_files import ForwardSpec
from hyperrl.identify.forward_model import ForwardModel, LearnedModel
from hyperrl.identify.likelihood import Likelihood
from hyperrl.identify.playing import joined, play_tasks
from hyperrl.identify.prior import Prior
from hyperrl.identify.transitions import Transitions
from hyperrl.recipes import Context
from hyperrl.tasks import Family

Floats = NDArray[np.float64]
_HIDDEN, _RANK, _BATCH, _RATE = (64, 64), 16, 512, 2e-3
_MOST_TASKS, _MOST_VALIDATION = 64, 10
_NINETY, _LEAST_POWER = 1.645, 1e-4
"""Half of the width of an interval of 90 % in standard deviations; and the least power of a likelihood."""
_TOLD, _STEP = 0.8, 0.02
"""Data tell something of a feature where its deviation falls below this part of the prior's; and the step of
differences, in the same unit."""
_UNWRITTEN = f"weights-{'0' * 16}.safetensors"


@dataclass(frozen=True)
class FitSettings:
    """How a forward model is fitted.

    Attributes:
        transitions: to learn from, about.
        updates: of its weights.
        seed: of data and learning.
    """

    transitions: int = 20_000
    updates: int = 3000
    seed: int = 0


def fit_model(
    base: Family,
    settings: FitSettings,
    *,
    agent: Family | None = None,
    policy: Policy | None = None,
    progress: Progress | None = None,
) -> tuple[ForwardSpec, ForwardModel]:
    """Fit a forward model.

    Half of the transitions are of random actions, half of the policy's, if there is one, all in training
    tasks. The size of the errors is that on random actions in validation tasks, none of which was learned
    from.

    Args:
        base: the family as its base environment is.
        settings: of the fit.
        agent: the family as the policy plays it, with stacked frames and without wrappers.
        policy: acts in one half of the episodes.
        progress: called with updates done and planned.

    Raises:
        UserError: a family without validation tasks, or whose observations are images.
    """
    data, rng = ForwardData(base), np.random.default_rng(settings.seed)
    tasks, validation = base.tasks("train")[:_MOST_TASKS], base.tasks("validation")[:_MOST_VALIDATION]
    if not validation:
        raise UserError(f"family {base.name!r}: the split 'validation' has no tasks; allowed: 1 or more")
    half = settings.transitions // (1 if policy is None else 2)
    played = _play(base, tasks, half, rng)
    if policy is not None:
        own = _play(agent or base, tasks, half, rng, policy)
        played = [joined(both) for both in zip(played, own, strict=True)]
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        model = ForwardModel(base.space.descriptor_dim, data.width, len(data.columns), _HIDDEN, _RANK)
        _learn(model, data, base, tasks, played, settings, progress)
    unseen = play_tasks(base, validation, seeds=_seeds(rng, len(validation)))
    errors = _errors(model, data, base, validation, unseen)
    power, covered = _calibrate(model, errors, data, base, validation, unseen)
    spec = ForwardSpec(
        family=base.name, columns=data.columns, width=data.width, hidden=_HIDDEN, rank=_RANK,
        transitions=sum(map(len, played)), updates=settings.updates, seed=settings.seed,
        errors=tuple(errors.tolist()), power=power, covered=covered, weights=_UNWRITTEN,
    )  # fmt: skip
    return spec, model


def _seeds(rng: np.random.Generator, count: int) -> list[int]:
    return [int(seed) for seed in rng.integers(2**31, size=count)]


def _play(
    family: Family,
    tasks: Sequence[Context],
    least: int,
    rng: np.random.Generator,
    policy: Policy | None = None,
) -> list[Transitions]:
    """Play episodes of all tasks until there are so many transitions in all; those of each task."""
    rounds: list[list[Transitions]] = []
    while sum(len(each) for round_ in rounds for each in round_) < least:
        rounds.append(play_tasks(family, tasks, policy=policy, seeds=_seeds(rng, len(tasks))))
    return [joined(each) for each in zip(*rounds, strict=True)]


def _learn(
    model: ForwardModel,
    data: ForwardData,
    family: Family,
    tasks: Sequence[Context],
    played: Sequence[Transitions],
    settings: FitSettings,
    progress: Progress | None,
) -> None:
    """Minimize the mean square of errors, in units of each column's deviation, by Adam."""
    inputs = np.concatenate([data.inputs(each) for each in played])
    outputs = np.concatenate([data.outputs(each) for each in played])
    model.normalize_by(inputs, outputs)
    rows = torch.as_tensor(inputs, dtype=torch.float32)
    targets = torch.as_tensor(outputs, dtype=torch.float32)
    targets = (targets - model.out_mean) / model.out_deviation
    index = torch.as_tensor(np.repeat(np.arange(len(tasks)), [len(each) for each in played]))
    descriptors = torch.as_tensor(family.space.descriptors(tasks))
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.updates)
    tick = None if progress is None else Ticker(progress)
    for update in range(settings.updates):
        some = torch.randint(len(rows), (_BATCH,))
        loss = (model(rows[some], descriptors, index[some]) - targets[some]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if tick is not None:
            tick(update + 1, settings.updates)
    model.eval()


def _errors(
    model: ForwardModel,
    data: ForwardData,
    family: Family,
    tasks: Sequence[Context],
    played: Sequence[Transitions],
) -> Floats:
    """The root mean square of errors of each column."""
    inputs = torch.as_tensor(np.concatenate([data.inputs(each) for each in played]), dtype=torch.float32)
    outputs = np.concatenate([data.outputs(each) for each in played])
    index = torch.as_tensor(np.repeat(np.arange(len(tasks)), [len(each) for each in played]))
    with torch.no_grad():
        found = model.predict(inputs, torch.as_tensor(family.space.descriptors(tasks)), index).numpy()
    errors: Floats = np.sqrt(np.square(found - outputs).mean(axis=0))
    return np.maximum(errors, 1e-9)


def _calibrate(
    model: ForwardModel,
    errors: Floats,
    data: ForwardData,
    family: Family,
    tasks: Sequence[Context],
    played: Sequence[Transitions],
) -> tuple[float, float]:
    """The power of the likelihood at which intervals cover, and the part that they then cover.

    Errors of a model are alike for all transitions of a task that are alike, so that the likelihood as it is
    would be too certain (a generalized posterior, calibrated as by Syring and Martin, "Calibrating general
    posterior credible regions", Biometrika 2019). How far estimates are off, in deviations of the posterior,
    comes from one Newton step away from the true context of each validation task: with the gradient g and
    the curvature H of the logarithm of the posterior, H^-1 g over the roots of the diagonal of H^-1. Counted
    are features with a range that the data tell something of.
    """
    prior = Prior(family.space, "training")
    ranges, scale = prior.ranges, prior.deviation[prior.ranges]
    off: list[float] = []
    for task, transitions in zip(tasks, played, strict=True):
        likelihood = Likelihood(LearnedModel(model, errors, data, family, transitions), prior)
        truth = family.space.values([task])
        shifted = np.repeat(truth, 2 * len(ranges), axis=0)
        for number, place in enumerate(ranges):
            shifted[2 * number : 2 * number + 2, place] += np.array([1, -1]) * _STEP * scale[number]
        log = likelihood.log(likelihood.squares(shifted)).reshape(-1, 2)
        gradient = (log[:, 0] - log[:, 1]) / (2 * _STEP)
        curvature = likelihood.precision(*likelihood.with_slopes(truth))[0] * scale[:, None] * scale
        covariance = np.linalg.inv(curvature + np.eye(len(ranges)))
        deviation = np.sqrt(np.diag(covariance))
        off += (np.abs(covariance @ gradient) / deviation)[deviation < _TOLD].tolist()
    if not off:
        return 1.0, 1.0
    power = min(1.0, (_NINETY / max(float(np.quantile(off, 0.9)), 1e-9)) ** 2)
    power = max(power, _LEAST_POWER)
    return power, float(np.mean(np.array(off) * np.sqrt(power) <= _NINETY))
