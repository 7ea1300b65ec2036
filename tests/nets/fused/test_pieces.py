"""Views of a parameter are kept while it lies where it does."""

import copy
import pickle

import torch
from torch import Tensor, nn

from hyperrl.nets.flat import Flat
from hyperrl.nets.fused.pieces import Pieces


def pieces() -> tuple[Flat, Pieces]:
    flat = Flat([torch.arange(6.0).view(2, 3), torch.arange(3.0)])
    return flat, Pieces(flat.places)


def read(views: Pieces, flat: Flat) -> list[Tensor]:
    with torch.no_grad():
        return views.of(flat.values)


def test_views_are_kept_and_follow_the_parameter() -> None:
    flat, views = pieces()
    first = read(views, flat)
    torch.testing.assert_close(first, [torch.arange(6.0).view(2, 3), torch.arange(3.0)])
    with torch.no_grad():
        flat.values.add_(1)
    again = read(views, flat)
    assert all(one is other for one, other in zip(first, again, strict=True))
    torch.testing.assert_close(again[1], torch.arange(3.0) + 1)


def test_a_parameter_that_moved_is_viewed_anew() -> None:
    flat, views = pieces()
    read(views, flat)
    flat.values.data = torch.arange(9.0) * 2
    torch.testing.assert_close(read(views, flat)[0], torch.arange(6.0).view(2, 3) * 2)
    flat.double()
    assert read(views, flat)[0].dtype == torch.float64


def test_a_copy_views_its_own_parameter() -> None:
    flat, views = pieces()
    read(views, flat)
    module, own = copy.deepcopy((flat, views))
    nn.init.zeros_(module.values)
    assert not read(own, module)[0].any()
    assert read(pickle.loads(pickle.dumps(views)), flat)[0].any()


def test_gradients_pass_new_views() -> None:
    flat, views = pieces()
    read(views, flat)
    (gradient,) = torch.autograd.grad(views.of(flat.values)[1].sum(), flat.values)
    torch.testing.assert_close(gradient, torch.tensor([0.0] * 6 + [1.0] * 3))
