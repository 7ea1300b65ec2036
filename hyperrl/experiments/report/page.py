"""The report as one HTML page, which opens from disk: no network, no scripts, images inline."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hyperrl.evaluation.comparison import Estimate
from hyperrl.evaluation.progress import Progress
from hyperrl.experiments.collect import Experiments
from hyperrl.experiments.comparison import few_seeds, finding
from hyperrl.experiments.report.family_section import FamilySection, family_section, generates
from hyperrl.store import replacing, report_write_errors
from hyperrl.store.spec import library_versions


def write_report(
    experiments: Experiments,
    path: Path,
    *,
    paths: Sequence[str] = (),
    allow_import: Sequence[str] = (),
    animated: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write the page, whole or not at all.

    Args:
        experiments: the runs.
        path: the file.
        paths: the runs and folders as they were named, for the command that writes the page again.
        allow_import: modules and Python files that base environments may be imported from, for maps of
            weights and animations.
        animated: play an agent of each family whose environment renders pictures.
        progress: called with the families done and their number.

    Raises:
        UserError: the file cannot be written.
    """
    sections = []
    for number, runs in enumerate(experiments.families):
        if progress is not None:
            progress(number, len(experiments.families))
        sections.append(family_section(runs, allow_import, animated=animated))
    if progress is not None:
        progress(len(sections), len(sections))
    command = shlex.join(["hyperrl", "report", *paths, "--out", str(path), *["--animate"] * animated])
    text = render(sections, experiments, command)
    with report_write_errors("report", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            beside.write_text(text, encoding="utf-8")


def render(sections: Sequence[FamilySection], experiments: Experiments, command: str) -> str:
    """The page's text; names and texts of recipes are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("hyperrl.experiments.report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(number=number, interval=interval, percent=percent)
    below, losses = [*_losses(sections)], [*_other_findings(sections)]
    return environment.get_template("page.html").render(
        sections=sections,
        below=below,
        others=losses,
        hyper=any(generates(agent) for each in sections for agent in each.runs.agents.values()),
        duels=any(contrasts for each in sections for _, contrasts in each.duels),
        several=any(len(agent.runs) > 1 for each in sections for agent in each.runs.agents.values()),
        specialists=any(each.runs.specialists for each in sections),
        few=few_seeds([split for each in sections for split in each.splits]),
        runs=sum(len(agent.runs) for each in sections for agent in each.runs.agents.values()),
        left_out=experiments.left_out,
        command=command,
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        versions=", ".join(f"{name} {version}" for name, version in library_versions().items()),
    )


def _losses(sections: Sequence[FamilySection]) -> Iterator[str]:
    """Where an agent whose weights are generated is below another one beyond the interval."""
    for section in sections:
        for split, contrasts in section.duels:
            for each in contrasts:
                if each.lower is not None and each.lower[0] == each.baseline:
                    yield finding(split, each)


def _other_findings(sections: Sequence[FamilySection]) -> Iterator[str]:
    """The other findings, those between agents of one kind included."""
    for section in sections:
        for split, duels in section.duels:
            compared = {(each.agent, each.baseline): each for each in (*split.contrasts, *duels)}
            for each in compared.values():
                if each.lower is not None and not (each in duels and each.lower[0] == each.baseline):
                    yield finding(split, each)


def number(value: float | None, digits: int = 4) -> str:
    """A number with four significant digits; a dash for None."""
    if value is None:
        return "–"
    text = f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"
    return text.replace("-", "−")


def interval(estimate: Estimate | None, digits: int = 4) -> str:
    """An estimate's interval, "[1, 2]"; nothing where there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(estimate.low, digits)}, {number(estimate.high, digits)}]"


def percent(value: Any) -> str:
    """A share in per cent; a dash for None."""
    return "–" if value is None else f"{value:.0%}"
