"""A keyword argument of the base environment carries a feature: it chooses which environment is played."""

from typing import Any

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier


class ArgumentCarrier(Carrier):
    """Chooses the environment at each reset; `VariantEnv` makes and keeps one for each value."""

    def arguments(self, context: Context) -> dict[str, Any]:
        """See `Carrier.arguments`; a feature's `choices` stand for its values, one for one."""
        arguments = {}
        for name, feature in self.features.items():
            value, values = context[name], feature.values or ()
            if value not in values:
                known = ", ".join(f"{each:g}" for each in values)
                raise UserError(f"context: {name} is {value:g}; its values: {known}")
            whole = all(each.is_integer() for each in values)
            choices = feature.choices or (tuple(map(int, values)) if whole else values)
            arguments[str(feature.argument)] = choices[values.index(value)]
        return arguments
