"""The part of the results page that shows a family whose results are of before there were suites."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.report.comparison import (
    HELD_OUT,
    SOLVED,
    best_over_grid,
    difference,
    estimate,
    number,
    over_grid,
    per_step,
    steps_until,
    there,
)
from benchmarks.report.goals import mean_oracle, spell
from benchmarks.report.records import FamilyResults, Record, settings, stale
from benchmarks.report.speed_section import table
from hyperrl.tasks.contexts import assignment


def section(results: FamilyResults, images: Mapping[str, str], note: str | None) -> str:
    """The section of a family in Markdown.

    Args:
        results: its runs.
        images: Markdown of each figure, by file name.
        note: what a person wrote about the results.
    """
    return "\n\n".join(part for part in _parts(results, images, note) if part) + "\n"


def _parts(results: FamilyResults, images: Mapping[str, str], note: str | None) -> Iterator[str]:
    yield f"## {results.name}, older results"
    yield results.family.recipe.about.split(". ")[0].rstrip(".") + "."
    yield _budget(results)
    yield "\n".join(f"- **Out of date:** {each}." for each in stale(results))
    yield _returns(results)
    if results.name == "ode":
        yield _per_step(results)
    else:
        yield _over_grid(results)
    yield _worst(results)
    yield _differences(results)
    yield _time_to_solve(results)
    yield _last_update(results)
    yield from (text for name, text in images.items() if name.endswith(f"_{results.name}.png"))
    yield (note or "").strip()


def _budget(results: FamilyResults) -> str:
    shared, differing = settings(results)
    algorithm = str(shared.pop("name", "")).upper()
    run = {key: shared.pop(key) for key in ("steps", "n_envs", "threads") if key in shared}
    words = [f"{results.planned:,} steps"]
    if "n_envs" in run:
        words.append(f"{run['n_envs']} environments")
    idle = {"use_sde", "sde_sample_freq"} if shared.get("use_sde") is False else set()
    fields = ", ".join(f"`{k}` {v}" for k, v in shared.items() if v is not None and k not in idle)
    text = f"Shared by all agents: {algorithm or 'the budget'}, {', '.join(words)}, {fields}."
    if not differing:
        return f"{text} They differ in nothing but their policies."
    differences = "; ".join(
        f"`{key}` ({', '.join(f'{a}: {v}' for a, v in by.items())})" for key, by in differing.items()
    )
    return f"{text} Besides their policies they differ in {differences}."


def _returns(results: FamilyResults) -> str:
    cells = []
    for agent, runs in results.agents.items():
        minutes = statistics.median(run.data["seconds"]["cpu"] for run in runs) / 60
        cells.append(
            [
                f"`{agent}`",
                policy(runs[0].recipe["policy"]),
                f"{runs[0].data['parameters']:,}",
                str(len(runs)),
                *(_cell(results, agent, split) for split in results.splits),
                f"{minutes:.1f}",
            ]
        )
    if any(results.mean_oracle(split) is not None for split in results.splits):
        cells.append(["oracle", "", "", "", *(_known(results, split) for split in results.splits), ""])
    tasks = [
        f"{split} ({len(results.first.data['splits'][split]['contexts'])} tasks)" for split in results.splits
    ]
    header = ["agent", "policy", "parameters", "seeds", *tasks, "CPU minutes a run"]
    return table(header, cells)


def policy(recipe: Mapping[str, Any]) -> str:
    """A policy's recipe in a few words."""
    arch = recipe["net_arch"]
    sizes = arch if isinstance(arch, list) else arch["pi"]
    text = f"{recipe['kind']}, {'-'.join(map(str, sizes))}"
    hyper = recipe.get("hypernetwork")
    if hyper is None:
        return text
    rank = f" rank {hyper['rank']}" if hyper["strategy"] == "low-rank" else ""
    return f"{text}, {hyper['strategy']}{rank}"


def _cell(results: FamilyResults, agent: str, split: str, checkpoint: str = "best") -> str:
    return str(estimate(results.scores(agent, split, checkpoint)))


def _known(results: FamilyResults, split: str) -> str:
    known = results.mean_oracle(split)
    return "" if known is None else number(known)


def _per_step(results: FamilyResults) -> str:
    parts = []
    for split in (split for split in HELD_OUT if split in results.splits):
        seeds = sorted({run.seed for run in results.records})
        cells = []
        for agent, runs in results.agents.items():
            by_seed = dict(zip((run.seed for run in runs), per_step(results, agent, split), strict=True))
            values = [f"{by_seed[seed]:.4f}" if seed in by_seed else "" for seed in seeds]
            cells.append([f"`{agent}`", *values, f"{statistics.fmean(by_seed.values()):.4f}"])
        cells.append(["oracle", *([""] * len(seeds)), f"{mean_oracle(results, split):.4f}"])
        header = ["agent", *(f"seed {seed}" for seed in seeds), "mean"]
        parts.append(f"Mean reward per step on {split}, seed by seed:\n\n{table(header, cells)}")
    return "\n\n".join(parts)


def _over_grid(results: FamilyResults) -> str:
    """Where the oracle of every task is known."""
    oracle = best_over_grid(results)
    if oracle is None:
        return ""
    seeds = sorted({run.seed for run in results.records})
    cells = []
    for agent, runs in results.agents.items():
        means = dict(zip((run.seed for run in runs), over_grid(results, agent), strict=True))
        values = [number(means[seed]) if seed in means else "" for seed in seeds]
        mean = statistics.fmean(means.values())
        cells.append([f"`{agent}`", *values, number(mean), f"{mean / oracle:.1%}"])
    cells.append(["oracle", *([""] * len(seeds)), number(oracle), ""])
    header = ["agent", *(f"seed {seed}" for seed in seeds), "mean", "of the oracle"]
    return f"Mean return over all tasks of train, interpolation and extrapolation:\n\n{table(header, cells)}"


def _worst(results: FamilyResults) -> str:
    """Each agent's worst task of any seed, which an interquartile mean hides."""
    cells = []
    for agent, runs in results.agents.items():
        row = [f"`{agent}`"]
        for split in results.splits:
            scores, known = results.scores(agent, split), results.oracle(split)
            shares = scores / known if known is not None and (known > 0).all() else None
            run, task = np.unravel_index(np.argmin(scores if shares is None else shares), scores.shape)
            values = results.first.data["splits"][split]["contexts"][task]
            at = assignment(dict(zip(results.first.data["features"], values, strict=True)), 3)
            share = "" if shares is None else f" ({shares[run, task]:.0%})"
            row.append(f"{number(scores[run, task])}{share} at {at}, seed {runs[run].seed}")
        cells.append(row)
    part = " (its share of the oracle)" if results.oracle(results.splits[0]) is not None else ""
    words = f"The worst task of each agent over all seeds, with its return{part}:"
    return f"{words}\n\n{table(['agent', *results.splits], cells)}"


def _differences(results: FamilyResults) -> str:
    """The hypernetwork against each rival, where it loses as well as where it wins."""
    if results.hyper not in results.agents:
        return ""
    cells = []
    for rival in results.rivals:
        row = [f"`{results.hyper}` - `{rival}`"]
        for split in (split for split in HELD_OUT if split in results.splits):
            one, other = results.paired(results.hyper, rival, split)
            row.append(_gap(one, other) if len(one) else "no seed in common")
        cells.append(row)
    header = ["difference", *(split for split in HELD_OUT if split in results.splits)]
    return table(header, cells) if cells else ""


def _gap(one: Any, other: Any) -> str:
    gap = difference(one, other)
    if gap.runs == 1:
        return f"{gap.value:+.2f} (one seed)"
    word = "above" if gap.low > 0 else "below" if gap.high < 0 else "no clear difference"
    return f"{gap.value:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}], {word}"


def _time_to_solve(results: FamilyResults) -> str:
    level = there(results)
    cells = []
    for agent, runs in results.agents.items():
        took = [steps_until(curve, level) for curve in results.curves(agent, "interpolation")]
        got = sum(steps < float("inf") for steps in took)
        cells.append([f"`{agent}`", spell(took), f"{got} of {len(runs)}"])
    words = (
        f"Steps until the mean return on interpolation first reaches {number(level)}. That is {SOLVED:.0%} of"
        " the way from the untrained agents to the best median of any agent."
    )
    return f"{words}\n\n{table(['agent', 'median [range] of steps', 'seeds that get there'], cells)}"


def _last_update(results: FamilyResults) -> str:
    splits = [split for split in HELD_OUT if split in results.splits]
    cells = [
        [f"`{agent}`", *(_cell(results, agent, split, "final") for split in splits)]
        for agent in results.agents
    ]
    return f"The same with the weights after the last update:\n\n{table(['agent', *splits], cells)}"


def measured_with(records: Sequence[Record]) -> str:
    """How long the runs took, and what they ran with, in Markdown."""
    versions = {", ".join(f"{k} {v}" for k, v in record.data["versions"].items()) for record in records}
    hours = sum(record.data["seconds"]["cpu"] for record in records) / 3600
    return (
        f"## What the runs took\n\n{len(records)} runs, {hours:.1f} CPU hours, one thread each,"
        f" with {'; '.join(sorted(versions))}.\n"
    )
