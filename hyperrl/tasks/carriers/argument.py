"""A keyword argument of the base environment carries a feature: it chooses which environment is played."""

from typing import Any

from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier


class ArgumentCarrier(Carrier):
    """Chooses the environment at each reset; `VariantEnv` makes and keeps one for each value."""

    def arguments(self, context: Context) -> dict[str, Any]:
        """See `Carrier.arguments`; a feature's `choices` stand for its values, one for one."""
        arguments = {}
        for name, feature in self.features.items():
            index, values = self.index(name, context), feature.values or ()
            whole = all(each.is_integer() for each in values)
            choices = feature.choices or (tuple(map(int, values)) if whole else values)
            arguments[str(feature.argument)] = choices[index]
        return arguments
