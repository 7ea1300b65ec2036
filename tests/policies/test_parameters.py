from copy import deepcopy
from typing import Any

import torch
from torch import nn

from hyperrl.policies.parameters import ListedParameters


class Counting(nn.Module):
    """Counts how often its parameters are looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.walks = 0

    def named_modules(self, *arguments: Any, **options: Any) -> Any:
        self.walks += 1
        return super().named_modules(*arguments, **options)


class Listed(ListedParameters):
    """Lists the parameters of one counting module."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Counting()
        self.bias = nn.Parameter(torch.ones(1))


def test_parameters_are_walked_through_once_while_learning() -> None:
    module = Listed()
    expected = [module.bias, module.inner.weight]
    module.train()
    for _ in range(3):
        assert [id(each) for each in module.parameters()] == [id(each) for each in expected]
    assert module.inner.walks == 1
    module.train()
    list(module.parameters())
    assert module.inner.walks == 2


def test_a_module_that_is_being_built_or_acts_lists_what_it_has() -> None:
    module = Listed()
    assert len(list(module.parameters())) == 2
    module.more = nn.Linear(1, 1)
    assert len(list(module.parameters())) == 4
    module.train()
    assert len(list(module.parameters())) == 4
    module.eval()
    del module.more
    assert len(list(module.parameters())) == 2


def test_own_parameters_alone() -> None:
    module = Listed().train()
    assert [id(each) for each in module.parameters(recurse=False)] == [id(module.bias)]


def test_a_copy_lists_its_own() -> None:
    module = Listed().train()
    list(module.parameters())
    copy = deepcopy(module)
    assert not {id(each) for each in copy.parameters()} & {id(each) for each in module.parameters()}


def test_moved_parameters_are_listed_anew() -> None:
    module = Listed().train()
    before = list(module.parameters())
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        module.double()
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
    after = list(module.parameters())
    assert all(each.dtype == torch.float64 for each in after)
    assert len(after) == len(before)
