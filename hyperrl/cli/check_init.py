"""`hyperrl check AGENT --family F`: how an agent's networks start, over contexts."""

from typing import TYPE_CHECKING

from hyperrl.cli import console
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.analysis.initialization_check import InitReport, Verdict


_MEASURED = ("ppo", "a2c", "trpo", "sac", "td3", "dqn")


def check(agent: str, family: str, overrides: list[str]) -> None:
    """Measure and print how an agent starts on a family; UserError where it starts insanely."""
    from hyperrl.recipes import load_agent, resolve
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import refuse_algorithm

    tasks = Family.load(family)
    recipe = resolve(load_agent(agent), tasks.recipe, overrides)
    if recipe.algorithm.name not in _MEASURED:
        raise UserError(
            f"agent {recipe.name!r}: the check of a start is for the algorithms {', '.join(_MEASURED)}; found"
            f" {recipe.algorithm.name}"
        )
    refuse_algorithm(recipe, tasks.action_space)
    tasks.make().close()  # A base that cannot be made is told here, before seconds go into loading torch.
    from hyperrl.analysis.initialization_check import check_initialization

    found = check_initialization(recipe, tasks)
    _print(found)
    if found.fault:
        raise UserError(f"agent {found.agent!r} on family {found.family!r}: {found.fault}")


def _print(found: "InitReport") -> None:
    tasks = "1 training task" if found.tasks == 1 else f"{found.tasks} training tasks"
    console.prose(
        f"{found.agent} on {found.family} at step 0: {tasks}, each meeting the same {found.observations}"
        " observations. Variances of activations and of gradients, within tasks and between them (of a"
        " generator, over contexts), over those of a plain network; size is the root mean square of"
        " activations."
    )
    console.line()
    columns = ["network", "layer", "activations", "between", "gradients", "between", "size"]
    rows = (
        [
            row.network.replace("'s", ""),
            row.layer.removeprefix("hidden "),
            *(
                console.number(value, digits=3)
                for value in (
                    row.within,
                    row.between,
                    row.gradients_within,
                    row.gradients_between,
                    row.size,
                )
            ),
        ]
        for row in found.rows
    )
    console.table(columns, rows, numbers=columns[2:])
    console.line()
    for verdict in found.verdicts:
        console.line(f"{verdict.network}: {_said(verdict)}")


def _said(verdict: "Verdict") -> str:
    if verdict.fault:
        return verdict.fault
    return f"sane; {verdict.remark}" if verdict.remark else "sane"
