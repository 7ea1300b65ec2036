"""What a family's `base` names."""

import pytest

from hyperrl.recipes import BaseId


@pytest.mark.parametrize(
    ("text", "module", "file", "name", "class_name"),
    [
        ("Pendulum-v1", None, None, "Pendulum-v1", None),
        ("space/Id-v0", None, None, "space/Id-v0", None),
        ("gymnasium:Pendulum-v1", "gymnasium", None, "Pendulum-v1", None),
        ("a.b:space/Id-v0", "a.b", None, "space/Id-v0", None),
        ("tank_env.py:Tank", None, "tank_env.py", "Tank", "Tank"),
        ("../my envs/tank-env.py:Tank", None, "../my envs/tank-env.py", "Tank", "Tank"),
        ("tank_env.py:Tank-v0", None, "tank_env.py", "Tank-v0", None),
    ],
)
def test_what_a_base_names(
    text: str, module: str | None, file: str | None, name: str, class_name: str | None
) -> None:
    base = BaseId.parse(text)
    assert (base.module, base.file, base.name, base.class_name) == (module, file, name, class_name)


@pytest.mark.parametrize("text", ["", "two words", "a:b:c", "tank.py:", ":Tank", "a..b:Id-v0", "x" * 201])
def test_what_is_no_base(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: a Gymnasium id"):
        BaseId.parse(text)
