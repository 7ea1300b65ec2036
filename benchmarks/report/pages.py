"""The results page in Markdown, from what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report import ablation_section, older_section, suite_section
from benchmarks.report.advice import advice
from benchmarks.report.goals import Verdict, verdicts
from benchmarks.report.learned import Learned
from benchmarks.report.readme import RETURNS
from benchmarks.report.speed_section import sections, table

HEAD = """\
# Results

<!-- Written by `make results` from benchmarks/results. Do not edit: a test compares. -->

This page first says which goals are met, then shows the learning results family by family, then what the
choices of a hypernetwork are worth, and at the end speed and reliability. `make results` writes every number
from the JSON files below `benchmarks/results`, of which there is one for each run.
Results of suites are made by [`hyperrl bench`](suites.md), older ones are of before there were suites.
"""

OLD_STARTS = """\
**Learning results that are called older, or out of date because all tasks shared their start states, were
measured with other start states than evaluations have today.** Then, episode e of all tasks had the same
start. So a mean over tasks depends on a handful of starts, and so do the differences between tasks and
splits. All agents met the same starts, as they do today. The weights of these runs are not kept; the results
stand until the runs are repeated.
"""

BENCHMARKS = """\
The numbers of each benchmark, with their intervals, are in its section below. `a over b` is a ratio, and G is
the number of tasks in a batch.
"""

MEANING = """\
## How to read the numbers

A return is the undiscounted sum of an episode's rewards. Agents take their most likely actions. `train`
are the tasks that an agent learned from; it never learned from the tasks of the other splits. The weights
are those with the best return on `validation` during training; nothing is chosen on `interpolation` or
`extrapolation`.

A cell is the interquartile mean over seeds x tasks, with its 95 % interval by stratified bootstrap over
seeds ([Agarwal et al., 2021](https://arxiv.org/abs/2108.13264)). The difference between two agents is
computed on the seeds that both have, and has an interval of its own. It is called `above` or `below` only
where that interval does not contain zero.

## An equal budget

No agent is tuned by itself. All agents of a family have the same algorithm, hyperparameters, steps,
number of environments and evaluation; only their policies differ. What a family needs is in the
`training` section of its file and applies to all agents; what a suite changes is in the suite's file.
Sections of older results list these settings, as read from the recipes of the runs, and name every field in
which agents differ.

The shared settings, and how hypernetworks start, were chosen on pilot runs of one or two seeds each.
Their returns on interpolation and extrapolation were seen, not only those on validation.
"""


def results_page(
    learned: Learned,
    speed: Mapping[str, Mapping[str, Any]],
    images: Mapping[str, str],
    notes: Mapping[str, str],
    further: Sequence[str] = (),
    goals: Sequence[Verdict] = (),
) -> str:
    """The whole of docs/results.md.

    Args:
        learned: learning results.
        speed: JSON reports of speed benchmarks by name.
        images: Markdown of each figure, by file name.
        notes: what a person wrote about a family's results, by family.
        further: sections of other learning results.
        goals: of these.
    """
    parts, compared = [HEAD], learned.compared
    if learned.shares_starts:
        parts.append(OLD_STARTS)
    if not learned.paper and not compared and not speed:
        parts.append("There are no results yet.\n")
    parts += _goals([*verdicts(compared, learned.protocols, speed), *goals])
    if compared:
        parts.append(f"## When to use a hypernetwork\n\n{RETURNS}\n\n{advice(compared)}\n")
    if compared or learned.paper:
        parts.append(MEANING)
    if learned.paper:
        parts.append(suite_section.section(learned.paper, images, notes))
    if learned.protocols:
        parts.append(suite_section.section(learned.protocols, images, notes))
    parts += [older_section.section(results, images, notes.get(results.name)) for results in learned.older]
    if learned.ablation:
        parts.append(ablation_section.section(learned.ablation, notes.get("ablation")))
    parts += further
    parts += [older_section.measured_with(learned.records)] if learned.older else []
    for name, report in speed.items():
        parts.append("\n\n".join(sections(name, report)) + "\n")
    return "\n".join(parts)


def _goals(expected: Sequence[Verdict]) -> Iterator[str]:
    """Each goal of learning, and one line a benchmark with the goals that it misses."""
    learning = [each for each in expected if not each.benchmark]
    if expected:
        yield f"## Goals\n\n{sum(each.met for each in expected)} of {len(expected)} goals are met.\n"
    if learning:
        cells = [[each.expected, each.found, "met" if each.met else "**not met**"] for each in learning]
        yield f"{table(['learning', 'result', ''], cells)}\n"
    rows = []
    for name in dict.fromkeys(each.benchmark for each in expected if each.benchmark):
        goals = [each for each in expected if each.benchmark == name]
        missed = "<br>".join(f"{each.expected}, measured {each.found}" for each in goals if not each.met)
        rows.append([f"`{name}`", f"{sum(each.met for each in goals)} of {len(goals)}", missed])
    if rows:
        yield f"{table(['benchmark', 'goals met', 'goals missed'], rows)}\n\n{BENCHMARKS}"
