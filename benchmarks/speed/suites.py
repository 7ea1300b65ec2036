"""How long a suite takes beside RL Zoo: `python -m benchmarks.speed.suites`.

Seconds on the clock of `hyperrl bench smoke`, two runs at a time, over those of the same runs through RL Zoo,
`python -m rl_zoo3.train`, one after the other. Both include the start of every process; the two take turns.

The runs are the same in algorithm, hyperparameters, networks, steps, number of environments, seeds and number
of threads. RL Zoo trains SB3's `MultiInputPolicy` where HyperRL trains its agent with a concatenated context,
and HyperRL's policy class where it trains one with generated networks. It evaluates as often, on as many
episodes, in as many environments at a time as it trains in; its callback knows one split alone. HyperRL
evaluates all splits, before the first step too, and once more with the best weights at the end, and it writes
TensorBoard logs and checkpoints. So RL Zoo is timed without any evaluation as well.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.measures import Measure, Report, Spent, finish, parser
from benchmarks.speed.startup import environment
from hyperrl.evaluation import plan
from hyperrl.experiments import Job, jobs_of
from hyperrl.recipes import load_suite
from hyperrl.tasks import Family
from hyperrl.training.policy_arguments import policy_class, policy_kwargs

SUITE = "smoke"
CORES = 2
"""Runs of HyperRL's at a time, one thread each."""
GOAL = ("<=", 0.6)
EVALUATED, NOT_EVALUATED = "with evaluations", "without evaluations"
POLICIES = {"concat": "MultiInputPolicy"}
"""RL Zoo's names of policies, by the kind of an agent's; that of others is their class."""
OURS_ALONE = ("features_extractor_class", "features_extractor_kwargs")
"""Arguments of plain policies by which HyperRL sees to contexts beyond the training ranges."""


def hyperparameters(job: Job) -> dict[str, Any]:
    """A run's entry in a file of hyperparameters of RL Zoo's.

    Raises:
        ValueError: an agent that RL Zoo cannot train alike.
    """
    agent = job.agent
    own_ways = agent.normalize.active, agent.frame_stack > 1, agent.wrappers, agent.algorithm.schedules
    if agent.policy.kind == "blind" or any(own_ways):
        raise ValueError(f"{job.label}: needs an agent that sees the context, with constant rates, unwrapped")
    policy = policy_class(agent)
    arguments = {k: v for k, v in policy_kwargs(agent).items() if k not in OURS_ALONE}
    activation = arguments.pop("activation_fn").__name__
    if agent.policy.kind == "hyper":
        config = agent.policy.hypernetwork
        values = {each.name: (getattr(config, each.name), each.default) for each in fields(config)}
        arguments["hypernetwork"] = {name: own for name, (own, usual) in values.items() if own != usual}
    algorithm = agent.algorithm.model_dump(exclude={"name"}, exclude_none=True)
    return {
        "n_envs": agent.n_envs,
        "n_timesteps": agent.steps,
        "policy": POLICIES.get(agent.policy.kind, f"{policy.__module__}.{policy.__qualname__}"),
        "policy_kwargs": f"dict(activation_fn=nn.{activation}, **{arguments!r})",
        **algorithm,
    }


def episodes(job: Job) -> tuple[int, int]:
    """How often HyperRL evaluates while it trains, and the episodes of an evaluation."""
    planned = plan.while_training(Family(job.family), job.agent.steps)
    times = 2 + (job.agent.steps - 1) // job.agent.evaluate_every
    return times, sum(len(each.contexts) * each.episodes for each in planned)


def zoo_command(job: Job, folder: Path, evaluated: bool) -> list[str]:
    """RL Zoo's command for a run; its hyperparameters are written to the folder."""
    task = f"hyperrl/{job.family.name}-v0"
    config = folder / f"{job.agent.name}-{job.family.name}.yml"
    config.write_text(yaml.safe_dump({task: hyperparameters(job)}))
    times, number = episodes(job)
    often = ["--eval-freq", str(job.agent.steps // times), "--eval-episodes", str(number)]
    often += ["--n-eval-envs", str(job.agent.n_envs), "--eval-env-kwargs", "split:'validation'"]
    return [
        *(sys.executable, "-m", "rl_zoo3.train", "--algo", job.agent.algorithm.name, "--env", task),
        *("--gym-packages", "hyperrl", "-conf", str(config), "--seed", str(job.seed), "--device", "cpu"),
        *("--num-threads", str(job.agent.threads), "-f", str(folder / "logs")),
        *(often if evaluated else ["--eval-freq", "-1"]),
    ]


def commands(suite: str, folder: Path) -> dict[str, list[list[str]]]:
    """The commands of each side, by what tables call it; those of a side run one after the other."""
    jobs = jobs_of(load_suite(suite), folder / "out", folder / "results")
    places = ["--out", str(folder / "out"), "--results", str(folder / "results")]
    bench = [sys.executable, "-m", "hyperrl", "bench", suite, "--jobs", str(CORES), *places]
    return {
        "hyperrl bench": [bench],
        **{
            name: [zoo_command(job, folder, name == EVALUATED) for job in jobs]
            for name in (EVALUATED, NOT_EVALUATED)
        },
    }


def seconds(listed: Sequence[Sequence[str]], variables: Mapping[str, str], folder: Path) -> Spent:
    """What commands take, one after the other, with their children; CalledProcessError where one fails."""
    before = os.times()
    for command in listed:
        subprocess.run(command, cwd=folder, env=dict(variables), capture_output=True, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(after.elapsed - before.elapsed, cpu)


def measure(suite: str, rounds: int) -> list[Measure]:
    """The measures of a suite."""
    taken: dict[str, list[Spent]] = {}
    with TemporaryDirectory() as name:
        root = Path(name)
        variables = environment(root) | {"HYPERRL_CORES": str(CORES)}
        for count in range(rounds + 1):
            folder = root / str(count)
            folder.mkdir()
            for side, listed in commands(suite, folder).items():
                spent = seconds(listed if count else listed[:1], variables, folder)
                if count:  # the first round writes the compiled files
                    taken.setdefault(side, []).append(spent)
    bench, *zoo = taken
    what = f"hyperrl bench {suite}, {CORES} cores"
    ratios = [
        Measure(
            f"{what}, over RL Zoo {side}, one run after the other: wall clock",
            [ours.wall / theirs.wall for ours, theirs in zip(taken[bench], taken[side], strict=True)],
            "ratio",
            GOAL if side == EVALUATED else None,
        )
        for side in zoo
    ]
    names = [what, *(f"RL Zoo {side}, one run after the other" for side in zoo)]
    return [
        *ratios,
        *(_seconds(f"{name}: wall clock", times) for name, times in zip(names, taken.values(), strict=True)),
    ]


def _seconds(name: str, times: Sequence[Spent]) -> Measure:
    cpu = statistics.median(each.cpu for each in times)
    return Measure(name, [each.wall for each in times], "s", beside={"CPU seconds": cpu})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.suites", __doc__)
    command.add_argument("--suite", default=SUITE, help="a name, or the path of a YAML file")
    command.add_argument("--rounds", type=int, default=5, help="times that each side is run")
    options = command.parse_args(arguments)
    if find_spec("rl_zoo3") is None:
        command.error("needs RL Zoo: pip install -c constraints.txt -e '.[zoo]'")
    load = os.getloadavg()[0]
    measures = measure(options.suite, 1 if options.quick else options.rounds)
    setting = {"suite": options.suite, "rl_zoo3": version("rl_zoo3"), "load_before": round(load, 1)}
    setting["quick"] = options.quick
    return finish(Report("speed.suites", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
