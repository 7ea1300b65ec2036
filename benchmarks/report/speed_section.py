"""The speed section of the results page: what a benchmark measured, in as few lines as tell it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.measures import rows

GENERATED = re.compile(r"(?P<what>.+), (?P<size>\d+-\d+), (?:G = (?P<tasks>\d+)|any G), over a plain MLP")
EXECUTED = re.compile(r"(?P<what>.+, trunk \d+), G = (?P<tasks>\d+): chosen execution over the better")
MEGABYTES = "peak MB"


def sections(name: str, report: Mapping[str, Any]) -> list[str]:
    """Parts in Markdown: how it was measured, and tables, of which a last one has what fits no other."""
    versions = ", ".join(f"{library} {version}" for library, version in report["versions"].items())
    settings = ", ".join(
        f"{key} {value}" for key, value in report.get("setting", {}).items() if not isinstance(value, Mapping)
    )
    about = f"`python -m benchmarks.{name}`; {settings}; {report['cores']} cores, {versions}."
    room, _, benchmark = name.partition(".")
    parts, rest = [f"## {room.capitalize()}: {benchmark}", about], []
    generated: dict[str, list[tuple[re.Match[str], Mapping[str, Any]]]] = {}
    executed: list[tuple[re.Match[str], Mapping[str, Any]]] = []
    for measure in report["measures"]:
        if found := GENERATED.fullmatch(measure["name"]):
            generated.setdefault(found["size"], []).append((found, measure))
        elif found := EXECUTED.fullmatch(measure["name"]):
            executed.append((found, measure))
        else:
            rest.append(measure)
    for size, measures in generated.items():
        parts += [f"Hidden {size}: CPU time over that of a plain MLP, by the tasks G of a batch:"]
        parts += [by_tasks(measures, memory=True)]
    if executed:
        parts += ["CPU time of the chosen execution over the better one's, by the tasks G of a batch:"]
        parts += [by_tasks(executed, memory=False)]
    if rest:
        found_rows = rows({"measures": rest})
        parts.append(table(found_rows[0], found_rows[1:]))
    return parts


def by_tasks(measures: Sequence[tuple[re.Match[str], Mapping[str, Any]]], memory: bool) -> str:
    """A table with a line for each thing measured and a column for each number of tasks.

    A missed goal is bold. What does not depend on the number of tasks stands under the largest.
    """
    numbers = sorted({int(found["tasks"]) for found, _ in measures if found["tasks"]})
    lines: dict[str, dict[int, Mapping[str, Any]]] = {}
    for found, measure in measures:
        tasks = int(found["tasks"] or max(numbers, default=0))
        lines.setdefault(found["what"], {})[tasks] = measure
    peak = [f"peak MB, G = {numbers[-1]}"] if memory and numbers else []
    cells = [
        [
            what,
            *(_ratio(line.get(tasks)) for tasks in numbers),
            *(f"{line[numbers[-1]][MEGABYTES]:.3g}" if numbers[-1] in line else "" for _ in peak),
        ]
        for what, line in lines.items()
    ]
    return table(["", *(f"G = {tasks}" for tasks in numbers), *peak], cells)


def _ratio(measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return ""
    value = f"{measure['value']:.3g}"
    return f"**{value}**" if measure["met"] is False else value


def table(header: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
