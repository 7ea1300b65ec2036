"""`hyperrl check`: is a recipe valid, does every feature matter, and does an agent start sanely."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import console, options
from hyperrl.cli.options import argument, option
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.analysis.initialization_check import InitReport


def check(
    recipes: Annotated[
        list[str], argument("RECIPE", "Agents or families: names or YAML files.", options.complete_recipe)
    ],
    family: Annotated[
        str | None,
        option(
            "FAMILY",
            "Check how the networks of one agent start on this family.",
            autocompletion=options.complete_family,
        ),
    ] = None,
    overrides: options.Overrides = None,
) -> None:
    """Check agents and families.

    Every field must be valid. The splits of a family must not overlap, and each of its features must change
    the transition or the reward of its environment. Prints one line per recipe.

    With --family, measures the networks of an agent before training: the variance of activations and of
    gradients, layer by layer, within tasks and between them, relative to those of a plain network.
    """
    if family is not None:
        if len(recipes) != 1:
            raise UserError(f"--family: found {len(recipes)} recipes; allowed: one agent")
        _check_start(recipes[0], family, overrides or [])
        return
    if overrides:
        raise UserError("--set needs --family: hyperrl check AGENT --family FAMILY --set FIELD=VALUE")
    mistakes: list[UserError] = []
    for name in recipes:
        try:
            console.line(f"{name}: {_check_recipe(name)}")
        except UserError as mistake:
            mistakes.append(mistake)
            if len(recipes) > 1:
                console.line(f"{name}: WRONG: {str(mistake).removeprefix(f'{name}: ')}")
    if mistakes:
        several = f"{len(mistakes)} of {len(recipes)} recipes are wrong; the first: " if mistakes[1:] else ""
        raise UserError(f"{several}{mistakes[0]}")


def _check_recipe(name: str) -> str:
    """Return what a valid recipe is; raise a UserError for another."""
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe, load_agent

    recipe = load(name)
    if isinstance(recipe, AgentRecipe):
        if recipe.policy.kind == "concat" and recipe.policy.match_parameters:
            load_agent(recipe.policy.match_parameters)
        if recipe.wrappers:
            from hyperrl.tasks.wrappers import check_wrappers

            check_wrappers(recipe.wrappers, name)
        return f"ok, an agent ({recipe.policy.kind} policy, {recipe.algorithm.name})"
    from hyperrl.tasks import Family, check_family

    try:
        rows = check_family(Family(recipe))
    except UserError as mistake:  # The file may have another name than its family.
        raise UserError(f"{name}: {str(mistake).removeprefix(f'{recipe.name}: ')}") from mistake
    return f"ok, a family; {'; '.join(f'{row.subject} {row.detail}' for row in rows)}"


def _check_start(agent: str, family: str, overrides: list[str]) -> None:
    """Print how an agent starts on a family; raise a UserError where a network does not start sanely."""
    from hyperrl.cli.recipe import load_pair
    from hyperrl.recipes import ALGORITHMS

    recipe, tasks = load_pair(agent, family, overrides)
    if not recipe.algorithm.start_is_checked:
        checked = ", ".join(each().name for each in ALGORITHMS if each.start_is_checked)
        raise UserError(
            f"agent {recipe.name!r}: the check of a start is for the algorithms {checked};"
            f" found {recipe.algorithm.name}"
        )
    from hyperrl.analysis.initialization_check import check_initialization

    report = check_initialization(recipe, tasks)
    _print_start(report)
    if report.fault:
        raise UserError(f"agent {report.agent!r} on family {report.family!r}: {report.fault}")


def _print_start(report: "InitReport") -> None:
    console.prose(
        f"{report.agent} on {report.family} at step 0: {console.count(report.tasks, 'training task')}, each"
        f" with the same {report.observations} observations. Variances of activations and of gradients,"
        " within tasks and between them (of a generator: over contexts), relative to those of a plain"
        " network; size is the root mean square of activations."
    )
    console.line()
    columns = ["network", "layer", "activations", "between", "gradients", "between", "size"]
    rows = []
    for row in report.rows:
        values = (row.within, row.between, row.gradients_within, row.gradients_between, row.size)
        names = [row.network.replace("'s", ""), row.layer.removeprefix("hidden ")]
        rows.append(names + [console.number(value, digits=3) for value in values])
    console.table(columns, rows, numbers=columns[2:])
    console.line()
    for verdict in report.verdicts:
        remark = f"; {verdict.remark}" if verdict.remark else ""
        console.line(f"{verdict.network}: {verdict.fault or f'sane{remark}'}")
