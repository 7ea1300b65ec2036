"""`tune`: the search for an agent's hyperparameters on a family."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.api.arguments import checked_recipes
from hyperrl.api.recipes import agent_recipe, any_family
from hyperrl.api.suites import monitor_of
from hyperrl.arguments import JOBS, SEEDS, STEPS, TRIALS, to_int, to_path
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.progress import Progress
from hyperrl.experiments import Monitor, Settings, open_engine
from hyperrl.experiments.tuning import PrunerName
from hyperrl.extras import refuse_missing
from hyperrl.interrupts import raising
from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.store import atomic_write, report_write_errors, try_writing
from hyperrl.store.lock import locked
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_family
from hyperrl.tasks.checks import refuse_endless

if TYPE_CHECKING:
    from hyperrl.experiments.tuning.report import TuningReport

TUNED, JOURNAL = "tuned.yaml", "journal.log"
"""The files of a study's folder that hold the recipe that was found, and all that Optuna notes."""
_LOCK = "tune.lock"


@checked_recipes
def tune(
    agent: str | Path | AgentRecipe,
    family: str | Path | Family | FamilyRecipe,
    *,
    trials: int = 20,
    jobs: int | None = None,
    storage: str | Path | None = None,
    out: str | Path | None = None,
    steps: int | None = None,
    seeds: int = 1,
    overrides: Sequence[str] = (),
    pruner: PrunerName = "median",
    timeout: float | None = None,
    force: bool = False,
    progress: Progress | Monitor | None = None,
) -> TuningReport:
    """Search for the fields of an agent's recipe that are best on a family, as `hyperrl tune` does.

    Trials are compared by their return on validation tasks alone. The first one is the recipe as it is. Each
    run has a process of its own and is an ordinary run directory. A study that was stopped or killed goes on
    where it was; trials that ran go on from their checkpoints.

    Args:
        agent: a name of the suite, a YAML file, or a recipe. Its field `search` says what is searched;
            without one, what suits its algorithm and its kind of policy.
        family: a name, a YAML file, or a recipe.
        trials: how many there are to be in all, with those that an earlier call made.
        jobs: runs at a time; None: as many as this process has cores for.
        storage: a file of Optuna's journal, or the URL of a database; None: `journal.log` in `out`.
        out: folder of the runs and of `tuned.yaml`; None: `runs/tune/FAMILY/AGENT`.
        steps: environment steps of each run; None: the recipe's.
        seeds: runs of each trial, with seeds from 0 on; a trial counts by their mean.
        overrides: fields of the agent, the same in every trial, which are not searched then.
        pruner: what stops runs early that are behind others, `median`, `hyperband` or `none`.
        timeout: seconds after which no trial begins; those that run are finished.
        force: replace a `tuned.yaml` that exists.
        progress: called with the runs that ended and those that there are; a `Monitor` gets to know more.

    Returns:
        All trials, and the file of the recipe that was found.

    Raises:
        UserError: what `train` and `bench` raise; a family without validation tasks; a space that does not
            fit the agent; a storage that cannot be opened, or whose study was begun with something else;
            another process at work in `out`; the extra `tune` is missing.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP came, in the main thread; all runs were stopped, with
            checkpoints to go on from. A second one stops them at once.
    """
    refuse_missing("tune", "tune")
    from hyperrl.experiments.tuning.plan import Plan, require_choice
    from hyperrl.experiments.tuning.report import TuningReport
    from hyperrl.experiments.tuning.storage import opened_storage, quiet_optuna, without_password
    from hyperrl.experiments.tuning.study import TuningStudy
    from hyperrl.experiments.tuning.tuned import best_of, study_command, tuned_text
    from hyperrl.experiments.tuning.tuner import Tuner

    at_a_time = None if jobs is None else to_int(user_syntax("jobs", "--jobs"), jobs, JOBS)
    wanted = to_int(user_syntax("trials", "--trials"), trials, TRIALS)
    recipe, tasks = agent_recipe(agent), _family(any_family(family))
    folder = to_path(
        user_syntax("out", "--out"), Path("runs", "tune", tasks.name, recipe.name) if out is None else out
    )
    plan = Plan(
        agent=recipe, family=tasks, overrides=tuple(overrides),
        recipe=str(agent) if isinstance(agent, (str, Path)) else recipe.name,
        steps=None if steps is None else to_int(user_syntax("steps", "--steps"), steps, STEPS),
        seeds=to_int(user_syntax("seeds", "--seeds"), seeds, SEEDS), out=folder,
    )  # fmt: skip
    tuned, place = folder / TUNED, str(folder / JOURNAL if storage is None else storage)
    _refuse_existing(tuned, force)
    seen = Family(tasks).for_agent(plan.base)
    refuse_family(plan.base, seen)
    refuse_endless(seen)
    require_choice(seen)
    assert plan.space  # before anything is written: it raises where it does not fit
    home = f"{socket.gethostname()}:{folder.absolute()}"
    with open_engine("processes", [plan.job(0, (), seed=0)], Settings(at_a_time)) as engine:
        with report_write_errors("study", folder):
            try_writing(folder / _LOCK)
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, _LOCK, "study"), quiet_optuna(), opened_storage(place) as database, raising():
            study = TuningStudy(plan, database, pruner, home)
            Tuner(plan, study, wanted, monitor_of(progress), timeout).run(engine)
            found, importances = tuple(study.records()), study.importances()
    shown = without_password(place)
    best = best_of(found)
    if best is not None:
        command = study_command(
            plan, plan.recipe, str(family) if isinstance(family, (str, Path)) else tasks.name, wanted,
            None if storage is None else shown, None if pruner == "median" else pruner,
        )  # fmt: skip
        with report_write_errors("out", tuned):
            atomic_write(tuned, tuned_text(plan, found, best, command, shown).encode())
    return TuningReport(plan, shown, found, importances, None if best is None else tuned)


def _family(family: Family) -> FamilyRecipe:
    """The recipe of a family; UserError where other processes cannot make its environments."""
    recipe = family.recipe
    if recipe.base.startswith("hyperrl-custom/"):
        raise UserError(
            f"family {recipe.name!r}: found one that was made in Python; allowed: one with a file, from"
            " which the processes of the trials make it"
        )
    return recipe


def _refuse_existing(tuned: Path, force: bool) -> None:
    if os.path.lexists(tuned) and not force:
        raise UserError(
            f"out {str(tuned)!r}: exists already; name another folder with {user_syntax('out', '--out')}, or"
            f" replace it with {user_syntax('force=True', '--force')}, with which the study also goes on"
        )
