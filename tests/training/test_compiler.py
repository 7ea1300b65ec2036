"""What takes no compiler of torch's loads none, and what asks for it gets the real one."""

import subprocess
import sys

import pytest

STEP = """
import sys, torch
from torch.utils.flop_counter import FlopCounterMode
from hyperrl.training.compiler import without_compiler

def step():
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    with FlopCounterMode(display=False) as counter:
        layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    return counter.get_total_flops(), layer.weight.tolist()

def loaded():
    return "torch._dynamo.eval_frame" in sys.modules
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", STEP + code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_step_takes_no_compiler_and_is_the_same_step() -> None:
    shown = run(
        """
with without_compiler():
    light = step()
print(loaded(), "torch._dynamo" in sys.modules)
assert step() == light
print(loaded(), torch._dynamo is sys.modules["torch._dynamo"], torch._dynamo.eval_frame is not None)
zero_grad = torch.optim.Optimizer.zero_grad.__wrapped__
print(zero_grad.__dynamo_disable is not zero_grad)
"""
    )
    assert shown.split() == ["False", "False", "True", "True", "True", "True"]


@pytest.mark.parametrize("ask", ["torch._dynamo.config", "torch.compile(torch.sin, backend='eager')"])
def test_what_needs_the_compiler_gets_the_real_one(ask: str) -> None:
    shown = run(
        f"""
with without_compiler():
    step()
    asked = {ask}
    if callable(asked): assert torch.equal(asked(torch.ones(2)), torch.sin(torch.ones(2)))
    step()
print(loaded(), torch._dynamo is sys.modules["torch._dynamo"], torch._dynamo.eval_frame is not None)
"""
    )
    assert shown.split() == ["True", "True", "True"]


def test_a_compiler_that_is_loaded_stays() -> None:
    shown = run(
        """
import torch._dynamo
real = torch._dynamo
with without_compiler():
    assert torch._dynamo is real
print(torch._dynamo is real, sys.modules["torch._dynamo"] is real)
"""
    )
    assert shown.split() == ["True", "True"]
