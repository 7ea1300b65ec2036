"""Evaluation with features of the task hidden from the agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperrl.errors import UserError, check_known, user_syntax
from hyperrl.evaluation.policy import Policy, WithOtherContexts

if TYPE_CHECKING:
    from hyperrl.store import Run
    from hyperrl.tasks import Family


def hide_features(policy: Policy, family: Family, hidden: Sequence[str]) -> Policy:
    """The same policy, with the entries of hidden features missing (NaN) in the context that it observes."""
    if not hidden:
        return policy
    columns = [family.space.names[owner] in hidden for owner in family.space.owners]
    return WithOtherContexts(policy, lambda contexts: np.where(columns, np.float32(np.nan), contexts))


def check_hidden(runs: Sequence[Run], family: Family, hidden: Sequence[str]) -> None:
    """Raise a UserError where a hidden feature is unknown, or a run's agent cannot do without any."""
    option = user_syntax("hidden", "--hide")
    check_known(option, "feature", hidden, family.space.names)
    for run in runs:
        policy = run.spec.agent.policy
        if hidden and not (policy.kind == "hyper" and policy.hypernetwork.context_dropout > 0):
            raise UserError(
                f"run {str(run.path)!r}: {option} needs an agent that was trained to do without features, by"
                " policy.hypernetwork.context_dropout above 0"
            )
