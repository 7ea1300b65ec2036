"""Tables of an evaluation: how it was played, returns per split, worst tasks, and tasks of one's own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hyperrl.cli.console import console, count, line, number, pairs, table
from hyperrl.tasks.contexts import assignment

if TYPE_CHECKING:
    from hyperrl.evaluation import TaskResult
    from hyperrl.evaluation.error_report import ErrorSummary
    from hyperrl.evaluation.over_time import Recovery
    from hyperrl.evaluation.uncertainty_report import UncertaintySummary
    from hyperrl.evaluation.worst_tasks import WorstSummary
    from hyperrl.store import Run

MAX_ROWS = 50
"""Tasks that a table lists at most; more of them are summarized."""

Splits = Mapping[str, Mapping[str, Any]]
"""The field `splits` of `hyperrl evaluate --json`."""


def evaluation(data: Mapping[str, Any]) -> None:
    """Print how an evaluation was played, the return per split, and each split's worst task.

    Args:
        data: the object of `hyperrl evaluate --json`.
    """
    line(conditions(data))
    if data["splits"]:
        line()
        splits(data["splits"])
        line()
        worst(data["splits"])


def conditions(data: Mapping[str, Any]) -> str:
    """How an evaluation was played: weights, episodes, actions and starts."""
    checkpoints = [each["checkpoint"] for each in data.get("runs", [data])]
    weights = dict.fromkeys(f"checkpoint {each['name']!r} of {each['steps']:,} steps" for each in checkpoints)
    parts = [
        f"{count(data['episodes'], 'episode')} per task",
        "most likely actions" if data["deterministic"] else "drawn actions",
        f"start seed {data['start_seed']}",
    ]
    parts += [f"{', '.join(data['hidden'])} hidden from the agent"] if data["hidden"] else []
    parts += ["each task under another task's context"] if data.get("shuffled_contexts") else []
    parts += [f"{name} changes by {text}" for name, text in data.get("schedules", {}).items()]
    left_out = f"; {data['left_out']} tasks left out, as the training is short" if data["left_out"] else ""
    return f"{', '.join(weights)}: {', '.join(parts)}{left_out}"


def note_missing_best(run: "Run", checkpoint: str | None) -> None:
    """Say on stderr that a run has no best checkpoint and its latest one plays, where none was chosen."""
    checkpoints = run.checkpoints()
    if checkpoint is None and "best" not in checkpoints and "latest" in checkpoints:
        console(stderr=True).print(
            f"note: run {str(run.path)!r} has no checkpoint 'best'; 'latest' plays", soft_wrap=True
        )


def splits(data: Splits) -> None:
    """Print per split the mean return with its error, the worst task's, and the oracle if it is known."""
    known = any(split["oracle"] is not None for split in data.values())
    columns = ["split", "tasks", "return", "95 % interval", "std. error", "IQM", "worst"]
    columns += ["oracle", "of oracle"] * known
    rows = (
        [
            name,
            str(split["tasks"]),
            *_with_interval(split),
            number(split["stderr"]),
            number(split["iqm"]),
            number(split["worst"]["mean"]),
            *[number(split["oracle"]), _share(split)] * known,
        ]
        for name, split in data.items()
    )
    table(columns, rows, numbers=columns[1:])


def worst(data: Splits) -> None:
    """Print the task of each split that the agent does worst on, which a mean over tasks hides."""
    tasks = {f"of {name}": split["worst"] for name, split in data.items()}
    known = any(task["oracle"] is not None for task in tasks.values())
    several = any("seed" in task for task in tasks.values())
    columns = ["worst", "return", *["of oracle"] * known, *["seed"] * several]
    rows = (
        [
            name,
            number(task["mean"]),
            *[_share(task)] * known,
            *[str(task.get("seed", ""))] * several,
            assignment(task["context"], 4),
        ]
        for name, task in tasks.items()
    )
    table([*columns, "task"], rows, numbers=columns[1:])


def _share(data: Mapping[str, Any]) -> str:
    best = data["oracle"]
    return f"{data['mean'] / best:.1%}" if best is not None and best > 0 else "-"


def errors(what: str, data: "Sequence[ErrorSummary]") -> None:
    """Print the mean return of each split, with its interval, by the error of what is observed.

    Args:
        what: the error, as the table's heading has it.
        data: by its size.
    """
    groups = [{**each["splits"], **({"own tasks": each["own"]} if "own" in each else {})} for each in data]
    names = list(groups[0])
    columns = [what, *(cell for name in names for cell in (name, "95 % interval"))]
    rows = (
        [number(each["error"]), *(cell for name in names for cell in _with_interval(group[name]))]
        for each, group in zip(data, groups, strict=True)
    )
    table(columns, rows, numbers=columns)


def recoveries(data: "Mapping[str, Recovery]") -> None:
    """Print for each split what jumps do to the reward of a step, and how soon agents recover; or nothing."""
    if not data:
        return
    columns = ["split", "jumps", "reward before", "right after", "recovered", "steps until then"]
    rows = (
        [
            "own tasks" if name == "own" else name,
            f"{each['jumps']:,}",
            number(each["before"]),
            number(each["after"]),
            f"{each['recovered']:.1%}",
            number(each["steps"]),
        ]
        for name, each in data.items()
    )
    line()
    table(columns, rows, numbers=columns[1:])


def uncertainty(data: "UncertaintySummary") -> None:
    """Print for each split how far networks disagree, and predicted beside realized discounted returns."""
    source = "runs" if data["source"] == "runs" else "networks of the agent's index"
    line(f"disagreement of {data['networks']} {source}; discounted returns, gamma {data['gamma']:g}")
    columns = ["actions", "values", "predicted", "spread", "realized", "in 90 % interval"]
    groups = {**data["splits"], **({"own tasks": data["own"]} if "own" in data else {})}
    rows = (
        [
            name,
            *(number(each[key]) for key in ("actions", "values", "predicted", "spread", "realized")),
            f"{each['coverage']['0.9']:.1%}",
        ]
        for name, each in groups.items()
    )
    table(["split", *columns], rows, numbers=columns)
    for what, found in (("extrapolation", data["extrapolation"]), ("failure", data["failure"])):
        if found is not None:
            line(f"AUROC for {what}: actions {found['actions']:.2f}, values {found['values']:.2f}")


def worst_tasks(data: "WorstSummary") -> None:
    """Print the tasks that a search found to be the worst, with their returns on fresh starts."""
    entries = data["tasks"]
    known = any(each["oracle"] is not None for each in entries)
    several = len({each["seed"] for each in entries}) > 1
    line(
        f"worst tasks by {data['by']} within {data['within']} ranges, of {count(data['candidates'], 'task')}"
        f" tried; {count(data['episodes'], 'episode')} each on fresh starts"
    )
    columns = ["return", "95 % interval", "in the search", *["oracle", "of oracle", "regret"] * known]
    columns += ["seed"] * several
    rows = (
        [
            *_with_interval(each),
            number(each["searched"]),
            *[number(each["oracle"]), _share(each), number(each["regret"])] * known,
            *[str(each["seed"])] * several,
            each["split"],
            assignment(each["context"], 4),
        ]
        for each in entries
    )
    table([*columns, "split", "task"], rows, numbers=columns)


def _with_interval(split: Mapping[str, Any]) -> tuple[str, str]:
    """The mean return of a split, and its interval."""
    known = split["low"] is not None
    return number(split["mean"]), f"{number(split['low'])} to {number(split['high'])}" if known else "-"


def sequence(run: "Run") -> None:
    """Print what an agent kept of tasks that it learned one after another, and what it forgot."""
    from hyperrl.evaluation.sequence import read_sequence

    found = read_sequence(run)
    columns = ["task", "untrained", "before", "learned", "at the end", "forgotten"]
    stages = (found.returns[0], found.before, found.learned, found.final, found.learned - found.final)
    rows = (
        [assignment(task), *(number(float(stage[index])) for stage in stages)]
        for index, task in enumerate(found.tasks)
    )
    line()
    table(columns, rows, numbers=columns[1:])
    line()
    pairs(
        [
            ("average return", number(found.average)),
            ("forgetting", number(found.forgetting)),
            ("forward transfer", number(found.forward_transfer)),
        ]
    )


def tasks(results: "Sequence[TaskResult]") -> None:
    """Print the mean return of each task, its split and the oracle; many tasks are summed up."""
    if len(results) > MAX_ROWS:
        _summary(results)
        return
    known = any(task.oracle is not None for task in results)
    columns = ["task", "split", "return", *["oracle"] * known]
    rows = (
        [assignment(task.context), task.split, number(task.mean), *[number(task.oracle)] * known]
        for task in results
    )
    table(columns, rows, numbers=columns[2:])


def _summary(results: "Sequence[TaskResult]") -> None:
    rows = []
    for split in dict.fromkeys(task.split for task in results):
        of_split = sorted((task for task in results if task.split == split), key=lambda task: task.mean)
        mean = sum(task.mean for task in of_split) / len(of_split)
        ends = ((number(task.mean), assignment(task.context)) for task in (of_split[0], of_split[-1]))
        rows.append([split, str(len(of_split)), number(mean), *(cell for end in ends for cell in end)])
    columns = ["split", "tasks", "return", "least", "at", "most", "at"]
    table(columns, rows, numbers=["tasks", "return", "least", "most"])
