"""`hyperrl distill`: many agents as one."""

import json
from typing import Annotated

from hyperrl.cli import console, next_steps, options, parsing
from hyperrl.cli.options import argument, option
from hyperrl.cli.progress import progress


def distill(
    runs: Annotated[list[str], argument("RUN...", "Run directories, the teachers.")],
    agent: Annotated[
        str,
        option("AGENT", "The student: a name or a YAML file.", autocompletion=options.complete_agent),
    ] = "hyper-ppo",
    family: Annotated[
        str | None,
        option(
            "FAMILY",
            "The student's family, a name or a YAML file. [default: that of the first run]",
            autocompletion=options.complete_family,
        ),
    ] = None,
    out: Annotated[
        str | None,
        option("DIR", "The new run's directory. [default: runs/FAMILY/AGENT/distilled/seed-N]"),
    ] = None,
    episodes: Annotated[
        int, option("N", "Episodes that each teacher plays of each of its tasks.", parser=parsing.EPISODES)
    ] = 10,
    updates: Annotated[int, option("N", "Updates of the student.", parser=parsing.UPDATES)] = 10_000,
    seed: Annotated[int, option("N", "Seed of all random numbers.", parser=parsing.SEED)] = 0,
    overrides: options.Overrides = None,
    checkpoint: options.Checkpoint = None,
    device: Annotated[str, option("NAME", "cpu, cuda, cuda:1, mps or auto.")] = "cpu",
    allow_import: options.AllowImport = None,
) -> None:
    """Distill the agents of runs into one, which imitates them on the tasks that they were trained on."""
    from hyperrl import api
    from hyperrl.cli import tables

    with progress("distilling", "updates", "preparing") as hook:
        run = api.distill(
            runs,
            agent=agent,
            family=family,
            out=out,
            episodes=episodes,
            updates=updates,
            seed=seed,
            overrides=overrides or (),
            checkpoint=checkpoint,
            device=device,
            allow_import=allow_import or (),
            progress=hook,
        )
    name, teachers = run.spec.agent.name, console.count(len(runs), "run")
    console.line(
        f"{name} on {run.spec.family.name}, distilled from {teachers}: {run.spec.steps:,} transitions"
    )
    tables.evaluation(json.loads((run.path / "evaluations" / "final.json").read_bytes()))
    console.line()
    console.pairs([("run", str(run.path)), *next_steps.commands(run)])
