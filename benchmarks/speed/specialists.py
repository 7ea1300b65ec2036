"""Specialists: `python -m benchmarks.speed.specialists`.

The time of one action on one observation, one thread, of plain networks of 64-64 for one task of `pendulum`:
an untrained agent's specialist as onnxruntime runs it, and as `hyperrl.load_specialist` does, against
Stable-Baselines3's `predict` with an `MlpPolicy` of the same weights; and the specialized torch network
against an `nn.Sequential` of the same shape. What is compared takes turns in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.measures import Measure, Report, alternate, finish, on_the_clock, parser, ratios, spent
from hyperrl.deploy.extract import extract_specialist
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes
from hyperrl.deploy.sb3 import plain_model
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model

AGENT, FAMILY = "hyper-ppo", "pendulum"
FASTER = (">=", 10.0)
AS_FAST = (">=", 0.95)


def contestants() -> tuple[dict[str, Callable[[], Any]], dict[str, Callable[[], Any]]]:
    """What is measured, by name: actions of whole policies, and passes of networks alone."""
    family = Family.load(FAMILY)
    recipe = resolve(load_agent(AGENT), family.recipe, [])
    model: Any = bare_model(recipe, family.observation_space, family.action_space)
    task = family.tasks("interpolation")[0]
    found = extract_specialist(model, AGENT, family, task)
    plain = plain_model(found, model, family)
    in_numpy, in_onnx = NumpyRuntime(found), OnnxRuntime(onnx_bytes(found), "made")
    space: Any = family.observation_space
    seen = np.asarray(space["obs"].sample())
    batch = {found.plan.inputs[0].name: seen[None]}
    actions: dict[str, Callable[[], Any]] = {
        "MlpPolicy, predict": lambda: plain.predict(seen, deterministic=True),
        "onnxruntime": lambda: in_onnx.session.run(None, batch),
        "load_specialist, onnx": lambda: in_onnx(seen),
        "load_specialist, torch": lambda: in_numpy(seen),
    }
    descriptor = torch.as_tensor(family.space.descriptors([task])[0])
    own = model.policy.specialize(descriptor)
    x = torch.as_tensor(seen[None])
    layers = [nn.Linear(x.shape[1], 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()]
    other = nn.Sequential(*layers, nn.Linear(64, own[-1].out_features)).requires_grad_(False)
    return actions, {"nn.Sequential": lambda: other(x), "specialized torch network": lambda: own(x)}


def compared(
    pair: dict[str, Callable[[], Any]], goal: tuple[str, float], rounds: int, pairs: int, calls: int
) -> list[Measure]:
    """How many times as fast as the first each of the others is, and what each takes."""
    (first, slow), *others = pair.items()
    measures, taken = [], {}
    for name, act in others:
        turns = [lambda act=act: spent(lambda: [act() for _ in range(calls)]) for act in (slow, act)]
        measured = alternate(turns[0], turns[1], rounds, pairs)
        faster = f"{name} over {first}, actions per second"
        measures.append(Measure(faster, ratios(measured), "ratio", goal, on_the_clock(measured)))
        for place, each in ((0, first), (1, name)):
            taken[each] = [np.median([turn[place].cpu for turn in one]) / calls * 1e6 for one in measured]
    times = [Measure(f"{name}: one action", values, "us") for name, values in taken.items()]
    return measures + times


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.specialists", __doc__)
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    options = command.parse_args(arguments)
    rounds, pairs, calls = (1, 1, 20) if options.quick else (options.rounds, 20, 200)
    torch.set_num_threads(1)
    actions, passes = contestants()
    with torch.no_grad():
        measures = compared(actions, FASTER, rounds, pairs, calls) + compared(
            passes, AS_FAST, rounds, pairs, calls
        )
    setting = {"agent": AGENT, "family": FAMILY, "calls_per_turn": calls, "quick": options.quick}
    return finish(Report("speed.specialists", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
