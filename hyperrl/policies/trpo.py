"""TRPO of sb3-contrib: its policy with generated networks, and its view."""

from collections.abc import Iterator, Mapping
from typing import Any

from sb3_contrib import TRPO
from torch import nn

from hyperrl.arguments import MAPPING
from hyperrl.policies.one_task import unless_one_task
from hyperrl.policies.ppo import HyperActorCriticPolicy, PPOView


class HyperTRPOPolicy(HyperActorCriticPolicy):
    """The policy of TRPO: a :class:`~hyperrl.policies.HyperActorCriticPolicy` whose trunk is ``"separate"``.

    What actor and critic shared would be the actor's alone to train, since no step of the critic may leave
    the trust region: so they share nothing. Nor is there a price of effort, as TRPO differentiates no loss.

    Args:
        arguments: Those of ``HyperActorCriticPolicy``.
        hypernetwork: Likewise.
        options: Likewise.

    Raises:
        ValueError: A shared trunk, or ``effort_coef`` above 0.
    """

    def __init__(
        self, *arguments: Any, hypernetwork: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        MAPPING.or_none().check("hypernetwork", hypernetwork)
        own = {"trunk": "separate", **(hypernetwork or {})}
        if own["trunk"] != "separate":
            raise ValueError(f"trunk: found {own['trunk']!r}; allowed: 'separate' with TRPO")
        if options.get("effort_coef"):
            raise ValueError(f"effort_coef: found {options['effort_coef']}; allowed: 0 with TRPO")
        super().__init__(*arguments, hypernetwork=own, **options)

    @unless_one_task
    def named_parameters(self, *arguments: Any, **options: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """The parameters by the names that TRPO goes by: ``"value"`` is in those of the critic's alone."""
        for name, parameter in super().named_parameters(*arguments, **options):
            critics = ".networks.critic." in name
            yield f"value.{name}" if critics else name.replace("value", "entry"), parameter


class TRPOView(PPOView):
    """View of TRPO, whose one optimizer is that of the critic."""

    algorithm = TRPO
    hyper_policy = HyperTRPOPolicy
    one_loss = False
