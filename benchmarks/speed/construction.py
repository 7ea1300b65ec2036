"""What it takes to build a policy: `python -m benchmarks.speed.construction`.

CPU time of building TD3's policy with generated networks over that of Stable-Baselines3's own with the same
`net_arch`, on observations with a context. Both are built in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
from stable_baselines3.td3.policies import MultiInputPolicy

from benchmarks.measures import Measure, Report, alternate, finish, on_the_clock, parser, ratios, spent
from hyperrl.policies import HyperTD3Policy

SIZES = (256, 1024, 2048, 4096)
STRATEGIES = ("low-rank", "modulation")
GOAL = ("<=", 3.0)
OBSERVATIONS = gym.spaces.Dict(obs=gym.spaces.Box(-1, 1, (3,)), context=gym.spaces.Box(-1, 1, (2,)))
ACTIONS = gym.spaces.Box(-1, 1, (1,))


def builder(policy: Any, size: int, **options: Any) -> Callable[[], object]:
    """Builds a policy with two hidden layers of that size."""
    return lambda: policy(OBSERVATIONS, ACTIONS, lambda _: 1e-3, net_arch=[size, size], **options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.construction", __doc__)
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    options = command.parse_args(arguments)
    rounds, sizes = (1, SIZES[:1]) if options.quick else (options.rounds, SIZES)
    measures = []
    for size in sizes:
        plain = builder(MultiInputPolicy, size)
        for strategy in STRATEGIES:
            generated = builder(HyperTD3Policy, size, hypernetwork={"strategy": strategy})
            generated()
            plain()
            pairs = max(1, 1024 // size)
            measured = alternate(partial(spent, generated), partial(spent, plain), rounds, pairs)
            name = f"TD3, {strategy}, {size}-{size}: built, over Stable-Baselines3's policy"
            measures.append(Measure(name, ratios(measured), "ratio", GOAL, on_the_clock(measured)))
    return finish(Report("speed.construction", measures, {"quick": options.quick}), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
