"""Plain networks of one task, changed in their last layer."""

from collections.abc import Callable

from torch import Tensor, nn


def with_last_layer(network: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Sequential:
    """A network whose last affine layer's rows are changed, its last module or the last of that."""
    assert isinstance(network, nn.Sequential)
    *first, last = network
    if isinstance(last, nn.Sequential):
        return nn.Sequential(*first, with_last_layer(last, change))
    assert isinstance(last, nn.Linear)
    weight, bias = change(last.weight.detach()), change(last.bias.detach())
    linear = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device)
    linear.weight.data, linear.bias.data = weight, bias
    return nn.Sequential(*first, linear)
