import json
import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.store import pack, unpack

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["$tensor", "$tuple", "$items", "$array"]),
            inner,
            max_size=3,
        )
        | st.dictionaries(st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


def through_json(tree: Any) -> Any:
    tensors, packed = pack(tree)
    return unpack(tensors, json.loads(json.dumps(packed)))


@given(TREES)
def test_plain_trees_come_back_as_they_were(tree: Any) -> None:
    back = through_json(tree)
    assert back == tree
    assert repr(back) == repr(tree)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint64", "uint32", "uint8", "bool"])
def test_arrays_come_back_with_their_type(dtype: str) -> None:
    array = np.array([[0, 1, 2]], dtype=dtype)
    back = through_json({"array": array})["array"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_tensors_are_copied_out_and_named_by_their_path() -> None:
    weight, bias = torch.nn.Parameter(torch.ones(2, 3).t()), torch.nn.Parameter(torch.ones(3))
    tensors, packed = pack({"policy": {"a.weight": weight, "a.bias": bias}, "list": [torch.tensor(7)]})
    assert set(tensors) == {"policy/a.weight", "policy/a.bias", "list/0"}
    with torch.no_grad():
        weight.zero_()
        bias.zero_()
    back = unpack(tensors, packed)
    assert torch.equal(back["policy"]["a.weight"], torch.ones(3, 2))
    assert torch.equal(back["policy"]["a.bias"], torch.ones(3))
    assert not back["policy"]["a.weight"].requires_grad


def test_the_states_of_random_generators_come_back() -> None:
    numpy = np.random.default_rng(5)
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "pcg": numpy.bit_generator.state}
    back = through_json(state)
    assert back["python"] == state["python"]
    legacy: Any = np.random.get_state()
    np.testing.assert_array_equal(back["numpy"][1], legacy[1])
    other = np.random.default_rng(6)
    other.bit_generator.state = back["pcg"]
    assert other.random() == numpy.random()


def test_an_optimizers_state_comes_back() -> None:
    layer = torch.nn.Linear(2, 2)
    adam = torch.optim.Adam(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 2)).sum().backward()
    adam.step()
    back = through_json(adam.state_dict())
    assert back["param_groups"] == adam.state_dict()["param_groups"]
    moments: Any = adam.state_dict()["state"]
    assert torch.equal(back["state"][0]["exp_avg"], moments[0]["exp_avg"])


@pytest.mark.parametrize("thing", [object(), {1, 2}, b"bytes", np.array([None])])
def test_what_cannot_be_stored_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match=r"a/0: a .* cannot be stored"):
        pack({"a": [thing]})
