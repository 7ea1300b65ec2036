"""Writes docs/results.md and the README's results: `python -m benchmarks.report.results [--check]`.

Everything comes from the JSON files below `benchmarks/results`: `suites/SUITE/FAMILY/AGENT/seed-N.json` of
`hyperrl bench` with the suites `paper`, `protocols` and `ablation`, the older
`learning/FAMILY/AGENT/seed-N.json` of families that `paper` has too few seeds of, `beyond/FAMILY/seed-N.json`
(and in `beyond-0.5` and `beyond-effort-0`), `controls/FAMILY/seed-N.json`,
`normalize/FAMILY/VARIANT/seed-N.json`, `hindsight/FAMILY/seed-N.json` (likewise in `context_error`, `jump`,
`transfer`, `family_transfer`, `distill`, `aims`, `sequence`, `uncertainty` and `robustness`),
`inferred/POLICY/FAMILY/seed-N.json`, `identify/FAMILY/MODEL/seed-N.json`, `adapt/FAMILY/seed-N.json`, and
`throughput.json` and the others of `MEASURED`, which the benchmarks of these names write by `--json`.
Why a family's results are as they are is a person's to say, without numbers: `notes/FAMILY.md` there.
`--check` writes nothing and tells, by its exit status, whether the committed files are those that the JSON
files give.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.learning import beyond, inferred
from benchmarks.report import (
    adapt_section,
    aims_section,
    beyond_section,
    context_error_section,
    controls_section,
    deep_sea_section,
    distill_section,
    family_transfer_section,
    hindsight_section,
    identify_section,
    inferred_section,
    jump_section,
    normalize_section,
    pages,
    robustness_section,
    sequence_section,
    suites,
    transfer_section,
    uncertainty_section,
    variants,
)
from benchmarks.report.learned import PAPER, Learned
from benchmarks.report.plots import Plot, short_hash
from benchmarks.report.readme import readme_part
from benchmarks.report.records import load
from hyperrl.errors import UserError
from hyperrl.store import atomic_write

ROOT = Path(__file__).resolve().parents[2]
MEASURED = (
    "speed.throughput",
    "speed.generation",
    "speed.tasks",
    "speed.rollout",
    "speed.mujoco_rollout",
    "speed.replay",
    "speed.specialists",
    "speed.evaluation",
    "speed.checkpoints",
    "speed.report",
    "speed.construction",
    "speed.memory",
    "speed.startup",
    "speed.environment_options",
    "speed.training_options",
    "speed.suites",
    "reliability.coverage",
    "reliability.kills",
    "reliability.interrupts",
)
"""The benchmarks that measure anything but learning, as `python -m benchmarks.NAME` takes them."""
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


@dataclass(frozen=True)
class Site:
    """Where results are read and what is written from them.

    Attributes:
        root: the repository.
    """

    root: Path = ROOT

    @property
    def data(self) -> Path:
        """Folder of the JSON files."""
        return self.root / "benchmarks" / "results"

    @property
    def images(self) -> Path:
        """Folder of the figures."""
        return self.root / "docs" / "images"

    @property
    def page(self) -> Path:
        """The results page."""
        return self.root / "docs" / "results.md"

    @property
    def readme(self) -> Path:
        """The README, of which the part between the markers is ours."""
        return self.root / "README.md"

    def learned(self) -> Learned:
        """All learning results of agents on families."""
        return Learned(
            suites.load(PAPER, self.data / "suites"),
            suites.load("protocols", self.data / "suites"),
            suites.load("ablation", self.data / "suites"),
            load(self.data / "learning"),
        )

    def speed(self) -> dict[str, Mapping[str, Any]]:
        """Reports of what is measured beside learning, by the benchmark's name (`speed.rollout`)."""
        files = {name: self.data / f"{name.partition('.')[2]}.json" for name in MEASURED}
        found = {name: json.loads(file.read_bytes()) for name, file in files.items() if file.exists()}
        for name, report in found.items():
            if report["setting"]["quick"]:
                raise UserError(f"result {str(files[name])!r}: of a --quick run, whose numbers mean little")
        return found

    def further(self) -> list[str]:
        """Sections of agents that were played in several ways, or trained with a choice and without."""
        notes, sections = self.notes(), []
        rims = {factor: variants.load(beyond.folder(factor, root=self.data)) for factor in beyond.FACTORS}
        if rims := {factor: families for factor, families in rims.items() if families}:
            free = variants.load(beyond.folder(next(iter(rims)), with_effort=False, root=self.data))
            sections.append(beyond_section.section(rims, free, notes.get("beyond")))
        if played := variants.load(self.data / "controls"):
            sections.append(controls_section.section(played, notes.get("controls")))
        if trained := load(self.data / "normalize"):
            sections.append(normalize_section.section(trained, notes.get("normalize")))
        if relabeled := variants.load(self.data / "hindsight"):
            sections.append(hindsight_section.section(relabeled, notes.get("hindsight")))
        if seas := deep_sea_section.load(self.data / "deep_sea"):
            sections.append(deep_sea_section.section(seas, notes.get("deep_sea")))
        inferring = {policy: variants.load(self.data / "inferred" / policy) for policy in inferred.POLICIES}
        if inferring := {policy: families for policy, families in inferring.items() if families}:
            sections.append(inferred_section.section(inferring, notes.get("inferred")))
        for name, each in (
            ("context_error", context_error_section),
            ("jump", jump_section),
            ("transfer", transfer_section),
            ("family_transfer", family_transfer_section),
            ("distill", distill_section),
            ("sequence", sequence_section),
            ("uncertainty", uncertainty_section),
            ("robustness", robustness_section),
        ):
            if found := variants.load(self.data / name):
                sections.append(each.section(found, notes.get(name)))
        if identified := identify_section.load(self.data / "identify"):
            sections.append(identify_section.section(identified, notes.get("identify")))
        if aimed := aims_section.load(self.data / "aims"):
            sections.append(aims_section.section(aimed, notes.get("aims")))
        if adapted := variants.load(self.data / "adapt"):
            sections.append(adapt_section.section(adapted, notes.get("adapt")))
        return sections

    def notes(self) -> dict[str, str]:
        """What a person wrote about a family's results, by family."""
        return {file.stem: file.read_text() for file in sorted((self.data / "notes").glob("*.md"))}

    def draw(self, figures: Sequence[Plot]) -> None:
        """Write every figure, and remove those of ours that there are no results for any more."""
        for figure in figures:
            figure.draw(self.images / figure.name)
        for pattern in ("learning_curves_*.png", "return_over_context_*.png"):
            for file in self.images.glob(pattern):
                if file.name not in {figure.name for figure in figures}:
                    file.unlink()

    def texts(self, learned: Learned, figures: Sequence[Plot]) -> dict[Path, str]:
        """What the page and the README must say, given the figures as they lie on the disk."""
        on_page = {
            figure.name: self._image(figure, "images") + "\n" + self._stamp(figure) for figure in figures
        }
        shown = [figure for key in learned.shown for figure in figures if figure.name.startswith(key)]
        in_readme = [self._image(figure, "docs/images") for figure in shown]
        goals = [*adapt_section.verdicts(variants.load(self.data / "adapt"))]
        page = pages.results_page(learned, self.speed(), on_page, self.notes(), self.further(), goals)
        part = readme_part(learned.compared, in_readme)
        return {self.page: page, self.readme: between_markers(self.readme.read_text(), part)}

    def _image(self, figure: Plot, folder: str) -> str:
        return f"![{figure.text}]({folder}/{figure.name})"

    def _stamp(self, figure: Plot) -> str:
        file = self.images / figure.name
        found = short_hash(file.read_bytes()) if file.exists() else "missing"
        return f"<!-- {figure.name}: data {figure.digest}, file {found} -->"


def between_markers(text: str, part: str) -> str:
    """The text with the part between the results' markers replaced.

    Raises:
        UserError: there is not exactly one pair of markers.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise UserError(f"README.md: needs one pair of {BEGIN} and {END}")
    body = f"{BEGIN}\n{part}\n{END}" if part else f"{BEGIN}\n{END}"
    return pattern.sub(lambda _: body, text)


def write(site: Site) -> list[Path]:
    """Draw the figures and write the texts; the texts that changed."""
    learned = site.learned()
    figures = learned.figures()
    site.draw(figures)
    texts = site.texts(learned, figures)
    changed = [path for path, text in texts.items() if _text(path) != text]
    for path in changed:
        atomic_write(path, texts[path].encode())
    return changed


def differing(site: Site) -> list[Path]:
    """The texts that are not what the results give; a figure that is out of date makes the page differ."""
    learned = site.learned()
    texts = site.texts(learned, learned.figures())
    return [path for path, text in texts.items() if _text(path) != text]


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report.results", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a file is out of date")
    options = parser.parse_args(arguments)
    site = Site()
    try:
        changed = differing(site) if options.check else write(site)
    except UserError as error:
        print(f"benchmarks.report.results: error: {error}", file=sys.stderr)
        return 2
    for path in changed:
        print(f"{'out of date' if options.check else 'written'}: {path.relative_to(site.root)}")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
