"""Which contexts are one task, and on which side of the training ranges they lie."""

import math
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import Context, Feature, read_context

FEATURES = {
    "mass": Feature(about="m", default=1.0, train=(0.5, 1.5), extrapolation=(0.1, 2.0)),
    "angle": Feature(about="a", default=0.0, train=(0.0, 2 * math.pi), encoding="circle"),
    "sign": Feature(about="s", default=1.0, train=(-1.0, 1.0), values=(-1.0, 1.0)),
}


def task(values: Any = (), **more: float) -> Context:
    return Context.parse(FEATURES, {**dict(values), **more})


def test_equal_contexts_are_one_task() -> None:
    assert task(angle=1.0) == task(angle=1.0 + 2 * math.pi) == task(angle=1.0 - 2 * math.pi)
    assert task(angle=-0.0) == task() == task(angle=2 * math.pi)
    assert task(angle=-1e-16) == task(angle=2 * math.pi - 1e-10) == task()
    assert task(mass=0.1 + 0.2) == task(mass=0.3) != task(mass=0.3001)
    assert len({task(mass=0.1 + 0.2), task(mass=0.3), task(angle=1.0), task(angle=1.0 + 2 * math.pi)}) == 2
    assert task(mass=0.3) == {"mass": 0.3, "angle": 0.0, "sign": 1.0} != task(mass=0.1 + 0.2)
    assert task(mass=0.3) | {"mass": 0.4} == task(mass=0.4)


def test_a_context_is_frozen_and_parsed_once() -> None:
    context = task(mass=2)
    assert Context.parse(FEATURES, context) is context
    assert pickle.loads(pickle.dumps(context)) == context
    with pytest.raises(FrozenInstanceError):
        context.raw = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        context["mass"] = 1.0  # type: ignore[index]


def test_a_listed_value_is_known_to_nine_digits() -> None:
    values = (0.1 + 0.2, 1.0)
    kind = Feature(about="k", default=1.0, train=(0.0, 1.0), values=values, encoding="categorical")
    context = Context.parse({"kind": kind}, {"kind": 0.3})
    assert (context["kind"], context.unlisted) == (0.1 + 0.2, {})
    assert task(sign=0.5).unlisted == {"sign": (-1.0, 1.0)}


def test_an_angle_lies_inside_modulo_a_turn() -> None:
    arc = Feature(about="a", default=0.0, train=(-math.pi, math.pi / 2), encoding="circle")
    for turns in (-2, 0, 1):
        for angle, inside in ((-math.pi, True), (math.pi / 2, True), (0.0, True), (1.6, False), (3.0, False)):
            context = Context.parse({"angle": arc}, {"angle": angle + turns * 2 * math.pi})
            assert context.inside == inside
            assert context.outside == ({} if inside else {"angle": (-math.pi, math.pi / 2)})


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"mss": 1.0}, "unknown feature 'mss'; did you mean 'mass'"),
        ({"mass": math.inf}, "mass is inf"),
        ({"mass": "x"}, "'x'"),
        ({"mass": 1e300}, r"mass is 1e\+300; too far from its training range 0.5 to 1.5"),
        ({"mass": -1e308}, "too far"),
    ],
)
def test_wrong_contexts_are_refused(context: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Context.parse(FEATURES, context)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "found no JSON; allowed: a file of `hyperrl identify --out`"),
        ("\x00\xff", "found no JSON"),
        ("[" * 100_000, "found no JSON"),
        ("[1]", 'found no \'context\'; allowed: "context": {"FEATURE": NUMBER}'),
        ('{"mass": 1}', "found no 'context'"),
        ('{"context": {}}', "found the context {}"),
        ('{"context": [1]}', "found the context [1]"),
        ('{"context": {"mass": "1"}}', "mass: found '1'; allowed: a finite number"),
        ('{"context": {"mass": true}}', "mass: found True"),
        ('{"context": {"mass": NaN}}', "mass: found nan"),
        ('{"context": {"mass": null}}', "mass: found None"),
    ],
)
def test_a_file_without_a_context_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "estimate.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(UserError) as raised:
        read_context(path, "here")
    assert str(raised.value).startswith(f"here: {says}")
    with pytest.raises(UserError, match="Is a directory"):
        read_context(tmp_path, "here")
