"""`hyperrl check`: is a recipe valid, are its splits disjoint, does every feature do something."""

from typing import Annotated

import typer

from hyperrl.cli import check_init, completion, console
from hyperrl.cli.options import Overrides
from hyperrl.errors import UserError


def check(
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE_OR_NAME...",
            autocompletion=completion.recipes,
            help="Agents or families: names or YAML files.",
        ),
    ],
    family: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            autocompletion=completion.families,
            help="Check how one agent starts on this family, over its contexts.",
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Prove that agents and families are right.

    Every field is valid; a family's splits are disjoint, and each of its features by itself changes what the
    environment does. One line per recipe.

    With --family, an agent's networks at step 0: layer by layer the variance of activations and gradients,
    within tasks and between them, over that of a plain network, and whether all is sane.
    """
    if family is not None:
        if len(recipes) != 1:
            raise UserError(f"--family: found {len(recipes)} recipes; allowed: one agent")
        check_init.check(recipes[0], family, overrides or [])
        return
    if overrides:
        raise UserError("--set needs --family: hyperrl check AGENT --family F --set key=value")
    mistakes: list[UserError] = []
    for name in recipes:
        try:
            console.line(f"{name}: {_checked(name)}")
        except UserError as mistake:
            mistakes.append(mistake)
            if len(recipes) > 1:
                console.line(f"{name}: WRONG: {mistake}")
    if len(mistakes) > 1:
        raise UserError(f"{len(mistakes)} of {len(recipes)} recipes are wrong; the first: {mistakes[0]}")
    if mistakes:
        raise mistakes[0]


def _checked(name: str) -> str:
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe, ConcatPolicyRecipe, load_agent

    recipe = load(name)
    if isinstance(recipe, AgentRecipe):
        if isinstance(recipe.policy, ConcatPolicyRecipe) and recipe.policy.match_parameters:
            load_agent(recipe.policy.match_parameters)
        return f"ok, an agent ({recipe.policy.kind} policy, {recipe.algorithm.name})"
    from hyperrl.tasks import Family, check_family

    try:
        rows = check_family(Family(recipe))
    except UserError as mistake:  # whose file may call the family otherwise
        raise UserError(f"{name}: {str(mistake).removeprefix(f'{recipe.name}: ')}") from mistake
    return f"ok, a family; {'; '.join(f'{row.subject} {row.detail}' for row in rows)}"
