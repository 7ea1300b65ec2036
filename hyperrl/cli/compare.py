"""`hyperrl compare`: agents beside each other by the final evaluations of their runs."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import console, options, specialists, streams
from hyperrl.cli.console import number
from hyperrl.cli.options import argument, option

if TYPE_CHECKING:
    from hyperrl.evaluation.comparison import Estimate
    from hyperrl.experiments.comparison import Comparison, Score, SplitComparison


def compare(
    runs: Annotated[list[str], argument("RUN", "Runs, or folders that are searched for runs.")],
    baseline: Annotated[
        str | None,
        option("AGENT", "The agent that others are compared with. [default: each family's first]"),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Compare agents by the final evaluations of their runs.

    Runs of one agent on one family are its seeds. Nothing is played anew.
    """
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api

        comparison = api.compare(runs, baseline=baseline)
    if as_json:
        console.json_object(comparison.to_json())
    else:
        _print(comparison)


def _print(comparison: "Comparison") -> None:
    from hyperrl.experiments.comparison import few_seeds, single_seeds

    for split in comparison.splits:
        console.heading(f"{split.family}, {split.split}: {console.count(split.tasks, 'task')}")
        _print_split(split)
    console.line()
    if any(score.of_specialist for split in comparison.splits for score in split.scores):
        console.line(specialists.MEANING)
    for finding in comparison.findings:
        console.line(finding)
    if single_seeds(comparison.splits):
        console.line(
            "one seed of each agent: nothing can be said about other seeds, so there are no intervals"
        )
    elif not comparison.findings:
        console.line("no agent is below the one it is compared with beyond the 95 % interval")
    if few_seeds(comparison.splits):
        console.line("some agents have three seeds or fewer: their intervals are too narrow")
    for each in comparison.left_out:
        console.console(stderr=True).print(f"left out: {each.path}: {each.reason}", soft_wrap=True)


def _print_split(split: "SplitComparison") -> None:
    gaps = any(score.optimality_gap is not None for score in split.scores)
    contrasts = {each.agent: each for each in split.contrasts}
    beside = any(score.of_specialist is not None for score in split.scores)
    columns = ["agent", "seeds", "steps", "IQM", "95 % interval", *["optimality gap"] * gaps]
    columns += [specialists.COLUMN] * beside
    others = ["difference", "95 % interval", "pairs", "P(better)", "95 % interval"] if contrasts else []
    rows = []
    for score in split.scores:
        row = [
            score.agent,
            str(len(score.seeds)),
            _steps(score),
            number(score.iqm.value),
            interval(score.iqm),
        ]
        row += [number(score.optimality_gap and score.optimality_gap.value)] * gaps
        row += [specialists.cell(score.of_specialist.to_json() if score.of_specialist else None)] * beside
        contrast = contrasts.get(score.agent)
        if contrast is not None:
            row += [number(contrast.difference.value), interval(contrast.difference)]
            row += [str(len(contrast.paired)) if contrast.paired else "none"]
            row += [number(contrast.improvement.value, 2), interval(contrast.improvement, 2)]
        elif others:
            row += ["baseline", *[""] * (len(others) - 1)]
        rows.append(row)
    console.table([*columns, *others], rows, numbers=[*columns[1:], *others])


def interval(estimate: "Estimate", digits: int = 4) -> str:
    """An estimate's interval: "1.5 to 2", or "-" where there is none."""
    if estimate.low is None or estimate.high is None:
        return "-"
    return f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"


def _steps(score: "Score") -> str:
    low, high = score.steps
    return number(low) if low == high else f"{number(low)} to {number(high)}"
