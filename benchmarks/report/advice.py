"""When to use a hypernetwork and when not, in Markdown, from what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.compared import Compared
from benchmarks.report.comparison import HELD_OUT, difference, estimate, number

NO_CONTEXT = (
    "**Not where one controller serves all tasks.** An agent that never sees the context (`blind-*`) is"
    " simpler and at least as good there"
)
CONCATENATE = (
    "**Not where the context is just one more input, such as a goal.** Concatenating it to the observation"
    " (`concat-*`) is simpler and as good there"
)
GENERATE = (
    "**Where the context decides what an action does**, by a sign or a strength. One network must then"
    " multiply its inputs; generated weights are another network for each task"
)


def advice(families: Sequence[Compared]) -> str:
    """A list of three items, baselines first; each names the families that it follows from, with returns.

    A baseline is good enough where, on no held-out split, the whole 95 % interval of its difference to the
    agent with a hypernetwork lies below zero.
    """
    items: dict[str, list[str]] = {NO_CONTEXT: [], CONCATENATE: [], GENERATE: []}
    for results in (each for each in families if each.compares):
        enough = [rival for rival in results.rivals if _good_enough(results, rival)]
        blind = [rival for rival in enough if rival.startswith("blind")]
        if enough:
            agents, reason = [(blind or enough)[0], results.hyper], NO_CONTEXT if blind else CONCATENATE
        else:
            agents, reason = [results.hyper, *results.rivals], GENERATE
        returns = ", ".join(f"`{agent}` {_returns(results, agent)}" for agent in agents)
        items[reason].append(f"  - `{results.name}`: {returns}")
    return "\n".join("\n".join([f"- {reason}:", *each]) for reason, each in items.items() if each)


def _splits(results: Compared) -> list[str]:
    return [split for split in HELD_OUT if split in results.splits]


def _good_enough(results: Compared, rival: str) -> bool:
    return all(
        difference(*results.paired(rival, results.hyper, split)).high >= 0 for split in _splits(results)
    )


def _returns(results: Compared, agent: str) -> str:
    means = (number(estimate(results.scores(agent, split)).value) for split in _splits(results))
    return " / ".join(means)
