"""Networks applied in one step are those applied layer by layer, and so are their gradients."""

import pytest
import torch
from torch import nn

from hyperrl.nets import Rows
from hyperrl.nets.fused import rows as rows_module
from tests.nets.fused.cases import SIZES, STRATEGIES, TASKS, Case, gradients

close = torch.testing.assert_close


@pytest.mark.parametrize("names", ["abc", "b", "ac"])
@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_outputs_and_gradients(strategy: str, sizes: str, tasks: str, names: str) -> None:
    case = Case.of(strategy, sizes, tasks)
    expected, found = case.layerwise(names), case.fused(names)
    close(found, expected)
    for _ in range(2):
        close(gradients(found, case.inputs), gradients(expected, case.inputs))


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_outputs_without_a_graph(strategy: str, activation: type[nn.Module]) -> None:
    case = Case.of(strategy, activation_fn=activation)
    with torch.no_grad():
        for _ in range(2):
            close(case.fused(), case.layerwise())
            close(case.fused("ac"), case.layerwise("ac"))


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_many_tasks(strategy: str, activation: type[nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tasks are not few, numbers reach rows for all layers at once."""
    monkeypatch.setattr(rows_module, "FEW", 2)
    case = Case.of(strategy, activation_fn=activation)
    assert not Rows.of(case.index, 3).few
    close(gradients(case.fused(), case.inputs), gradients(case.layerwise(), case.inputs))


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_numbers_reach_rows_layer_by_layer(
    strategy: str, tasks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few tasks that have many numbers each."""
    monkeypatch.setattr(rows_module, "WIDE", 0)
    case = Case.of(strategy, tasks=tasks)
    close(gradients(case.fused(), case.inputs), gradients(case.layerwise(), case.inputs))
    outputs = (case.layerwise(), case.fused())
    again = [gradients(gradients(each, case.inputs, again=True), case.inputs) for each in outputs]
    close(again[1], again[0])


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_gradients_of_gradients(strategy: str, tasks: str) -> None:
    case = Case.of(strategy, tasks=tasks)
    results = [
        gradients(gradients(outputs, case.inputs, again=True), case.inputs)
        for outputs in (case.layerwise(), case.fused())
    ]
    close(results[1], results[0])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_gradients_of_gradients_where_descriptors_follow_the_inputs(strategy: str) -> None:
    case = Case.of(strategy, tasks="one each")
    first = case.x
    case.x = first * 1.5
    case.descriptors = case.x[:, :2].tanh()
    inputs = [first, *case.hyper.parameters()]
    results = []
    for outputs in (case.layerwise(), case.fused()):
        once = gradients(outputs, inputs, again=True)
        results.append([*once, *gradients(once, inputs)])
    close(results[1], results[0])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_output_that_no_loss_depends_on(strategy: str) -> None:
    case = Case.of(strategy)
    for names in ("abc", "ac"):
        used = [case.fused(names)[1:], case.layerwise(names)[1:]]
        close(*(gradients(outputs, case.inputs) for outputs in used))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_inputs_get_a_gradient_where_weights_are_made_without(strategy: str) -> None:
    case = Case.of(strategy)
    with torch.no_grad():
        weights = case.hyper.fused(case.descriptors, Rows.of(case.index, 3))
    assert weights is not None
    outputs = weights.apply(case.x, *"abc")
    (expected,) = gradients(case.layerwise(), [case.x])
    found, *others = gradients(outputs, case.inputs)
    close(found, expected)
    assert not any(other.any() for other in others)


def test_an_output_does_not_keep_itself_alive() -> None:
    """Outputs and what the backward pass keeps refer to each other in no circle."""
    import gc
    import weakref

    case = Case.of("modulation")
    gc.collect()
    gc.disable()
    try:
        outputs = case.fused()
        alive = [weakref.ref(output) for output in outputs]
        del outputs
        assert [reference() for reference in alive] == [None] * 3
    finally:
        gc.enable()
