"""The part of the results page that shows a suite, as far as it has been run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.report.comparison import HELD_OUT, estimate, number
from benchmarks.report.findings import beaten
from benchmarks.report.speed_section import table
from benchmarks.report.suites import SuiteFamily, outdated
from hyperrl.evaluation.comparison import Estimate
from hyperrl.experiments.comparison import FEW

MEANING = (
    "The last columns have the probability that a run of the default agent with generated networks returns"
    " more than a run of that line's agent on a task drawn at random, with its 95 % interval."
)


def section(families: Sequence[SuiteFamily], images: Mapping[str, str], notes: Mapping[str, str]) -> str:
    """The section in Markdown.

    Args:
        families: results of a suite, at least one.
        images: Markdown of each figure, by file name.
        notes: what a person wrote about the results, by `SuiteFamily.key` or the suite's name.
    """
    name = families[0].suite.name
    parts = [f"## The suite `{name}`", beaten(families), _about(families), *outdated(families), MEANING]
    if note := notes.get(name):
        parts.append(note.strip())
    for results in families:
        parts += _family(results, images, notes.get(results.key, ""))
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(families: Sequence[SuiteFamily]) -> str:
    suite = families[0].suite
    name = suite.name
    runs = [run for each in families for agent in each.runs.agents.values() for run in agent.runs]
    hours = sum(run.data["seconds"]["cpu"] for run in runs) / 3600
    planned = sum(len(block.agents) * len(block.families) * len(block.seeds) for block in suite.runs)
    versions = {", ".join(f"{k} {v}" for k, v in run.data["versions"].items()) for run in runs}
    names = {family for block in suite.runs for family in block.families}
    left = " so far" if len(runs) < planned else ""
    left += "; families without any are left out" if names - {each.name for each in families} else ""
    return (
        f"{suite.about.strip()} `hyperrl bench {name} --results benchmarks/results/suites/{name}` makes what"
        f" is missing. {len(runs)} of {planned} runs{left}: {hours:.1f} CPU hours, with"
        f" {'; '.join(sorted(versions))}."
    )


def _family(results: SuiteFamily, images: Mapping[str, str], note: str) -> Iterator[str]:
    yield f"### {results.name}, {results.algorithm.upper()}"
    yield results.jobs[0].family.about.split(". ")[0].rstrip(".") + "."
    yield _cautions(results)
    yield _returns(results)
    yield from (text for name, text in images.items() if name.endswith(f"_{results.key}.png"))
    yield note.strip()


def _cautions(results: SuiteFamily) -> str:
    counts = [len(agent.runs) for agent in results.runs.agents.values()]
    lines = []
    if min(counts) == 1:
        lines.append("An agent with one seed has no interval yet.")
    if any(1 < count <= FEW for count in counts):
        lines.append("Of two or three seeds, bootstrap intervals are too narrow.")
    return " ".join(lines)


def _returns(results: SuiteFamily) -> str:
    agents = results.runs.agents
    held_out = [split for split in HELD_OUT if split in results.splits]
    duels = {split: {duel.baseline: duel for duel in results.duels(split)} for split in held_out}
    cells = []
    for label, agent in agents.items():
        counts = {run.data["parameters"] for run in agent.runs if "parameters" in run.data}
        minutes = statistics.median(run.data["seconds"]["cpu"] for run in agent.runs) / 60
        cells.append(
            [
                f"`{label}`",
                f"{max(counts):,}" if counts else "",
                _progress(len(agent.runs), results.planned[label]),
                *(str(estimate(agent.scores(split))) for split in results.splits),
                f"{minutes:.1f}",
                *(
                    _probability(duels[split][label].improvement) if label in duels[split] else ""
                    for split in held_out
                ),
            ]
        )
    if any(results.oracle(split) is not None for split in results.splits):
        known = (results.mean_oracle(split) for split in results.splits)
        cells.append(["oracle", "", "", *("" if each is None else number(each) for each in known), ""])
        cells[-1] += [""] * len(held_out)
    tasks = [f"{split} ({agents_tasks} tasks)" for split, agents_tasks in _sizes(results)]
    better = [f"P(`{results.hyper}` is better), {split}" for split in held_out]
    return table(["agent", "parameters", "seeds", *tasks, "CPU minutes a run", *better], cells)


def _sizes(results: SuiteFamily) -> Iterator[tuple[str, int]]:
    first = results.runs.first
    for split in results.splits:
        yield split, sum(result.split == split for result in first.results)


def _progress(runs: int, planned: int) -> str:
    return f"{runs}" if runs == planned else f"{runs} of {planned}"


def _probability(found: Estimate) -> str:
    ends = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.value:.2f}{ends}"
