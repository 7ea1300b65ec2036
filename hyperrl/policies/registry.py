"""The registry of algorithms: finds the view of an algorithm by its name, a model or a policy.

The view of an algorithm answers whatever the library needs to know of it and of its policy::

    from hyperrl.policies.registry import view

    sac = view(model)           # or view(model.policy), where only the policy matters
    sac.off_policy              # likewise recurrent, masked, one_loss, algorithm, hyper_policy, plain_policy
    sac.hyper                   # the policy where its networks are generated, else None
    sac.parts                   # its generated networks that learn, by name; {} without
    sac.modules()               # the modules of plain networks by name: "actor", "critic0", "critic1"
    sac.networks(descriptor)    # one task's plain networks by name, first what acts
    sac.act_outputs(obs)        # the outputs that determine the deterministic action
    sac.optimizers              # by name
    sac.extra_state()           # state in a checkpoint beside weights, optimizers and counters

:class:`~hyperrl.policies.view.View` has the rest. To add an algorithm: a model of its fields in
``hyperrl.recipes.algorithms``, a module here with its policies and its view, a line in ``VIEWS``, and a
recipe in ``agents/``.
"""

import sys
from functools import cache
from importlib import import_module

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy

from hyperrl.policies.view import View
from hyperrl.recipes import ALGORITHMS, EXTRAS, refuse_missing

VIEWS = {
    "ppo": "ppo.PPOView",
    "a2c": "ppo.A2CView",
    "trpo": "trpo.TRPOView",
    "recurrent_ppo": "recurrent_ppo.RecurrentPPOView",
    "maskable_ppo": "maskable_ppo.MaskablePPOView",
    "sac": "sac.SACView",
    "td3": "td3.TD3View",
    "tqc": "tqc.TQCView",
    "crossq": "crossq.CrossQView",
    "dqn": "dqn.DQNView",
    "qrdqn": "qrdqn.QRDQNView",
}
"""Each algorithm's module and view in ``hyperrl.policies``; a module is imported when it is needed."""

RECIPES = {str(recipe().name): recipe for recipe in ALGORITHMS}
"""The recipe model of each algorithm."""


@cache
def algorithm(name: str) -> type[View]:
    """The view of the algorithm of that name; UserError where its extra is not there."""
    refuse_missing(RECIPES[name].extra, f"algorithm {name!r}")
    module, view_class = VIEWS[name].split(".")
    loaded: type[View] = getattr(import_module(f"hyperrl.policies.{module}"), view_class)
    return loaded


def view(of: BaseAlgorithm | BasePolicy) -> View:
    """The view of a model or a policy; :class:`View` itself where its algorithm is not registered."""
    if isinstance(of, BasePolicy):
        return _view_of(type(of))(of)
    return _view_of(type(of))(of.policy, of)


@cache
def _view_of(of: type) -> type[View]:
    loaded = [
        algorithm(name)
        for name, recipe in RECIPES.items()
        if recipe.extra is None or EXTRAS[recipe.extra] in sys.modules  # else nothing can be of its classes
    ]
    classes: dict[type, type[View]] = {}
    for each in loaded:
        for one in (each.algorithm, each.hyper_policy, each.sb3_policy):
            classes.setdefault(one, each)
    return next((classes[one] for one in of.__mro__ if one in classes), View)
