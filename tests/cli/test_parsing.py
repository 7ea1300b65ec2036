from pathlib import Path

import pytest

from hyperrl.cli import parsing
from hyperrl.errors import UserError


def test_a_context_is_read_with_spaces_and_exponents() -> None:
    assert parsing.context("c0=7, c1=-1.5e-3") == {"c0": 7.0, "c1": -0.0015}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "FEATURE=NUMBER"),
        ("c0", "'c0' is not of the form FEATURE=NUMBER"),
        ("c0=", "'c0=' is not of the form"),
        ("=3", "'=3' is not of the form"),
        ("c0=1,", "'' is not of the form"),
        ("c0=seven", "c0 must be a number, not 'seven'"),
        ("c0=nan", "c0 must be finite, not nan"),
        ("c0=-inf", "c0 must be finite, not -inf"),
        ("c0=1e999", "c0 must be finite, not 1e999"),
        ("c0=1,c0=2", "'c0' is given twice"),
        ("c0=1=2", "c0 must be a number, not '1=2'"),
    ],
)
def test_a_wrong_context_names_the_option_and_the_pair(text: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        parsing.context(text)
    assert str(raised.value).startswith(f"--context {text!r}")
    assert says in str(raised.value)


def test_a_context_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "estimate.json"
    path.write_text('{"context": {"c0": 2, "c1": -0.5}, "notes": []}')
    assert parsing.context(f"@{path}") == {"c0": 2.0, "c1": -0.5}
    with pytest.raises(UserError) as raised:
        parsing.context("@none.json", "--leave-out")
    assert str(raised.value) == "--leave-out '@none.json': No such file or directory"


def test_a_sweep_is_read() -> None:
    assert parsing.sweep("c0=-10:10:21") == ("c0", -10.0, 10.0, 21)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("c0", "FEATURE=LOW:HIGH:COUNT"),
        ("c0=1:2", "FEATURE=LOW:HIGH:COUNT"),
        ("=1:2:3", "FEATURE=LOW:HIGH:COUNT"),
        ("c0=1:2:3:4", "FEATURE=LOW:HIGH:COUNT"),
        ("c0=a:2:3", "LOW must be a number, not 'a'"),
        ("c0=1:inf:3", "HIGH must be finite, not inf"),
        ("c0=1:2:2.5", "COUNT must be a whole number"),
        ("c0=1:2:-3", "COUNT must be a whole number"),
    ],
)
def test_a_wrong_sweep_names_the_option_and_the_part(text: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        parsing.sweep(text)
    assert str(raised.value).startswith(f"--sweep {text!r}")
    assert says in str(raised.value)


def test_numbers_are_read_and_others_refused() -> None:
    assert parsing.numbers("0.05, 1e-1", "--context-error") == [0.05, 0.1]
    for text in ("", "0.1,", "a", "0.1;0.2", "nan"):
        with pytest.raises(UserError, match=f"^--context-error '{text}': each part must be "):
            parsing.numbers(text, "--context-error")


def test_schedules_are_read_and_others_refused() -> None:
    found = parsing.schedules(["sign=jump:50", " mass = sinusoid:0.5:100"])
    assert found == {"sign": "jump:50", "mass": "sinusoid:0.5:100"}
    for text in ("sign", "=jump", "sign="):
        with pytest.raises(UserError, match=f"^--schedule '{text}' is not of the form FEATURE=SCHEDULE"):
            parsing.schedules([text])
    with pytest.raises(UserError, match=r"^--schedule 'a=drift': 'a' is given twice"):
        parsing.schedules(["a=jump", "a=drift"])


def test_a_sequence_is_tasks_or_one_number() -> None:
    assert parsing.sequence(["c0=1", "c0=-2"]) == [{"c0": 1.0}, {"c0": -2.0}]
    assert parsing.sequence(["8"]) == 8
    assert parsing.sequence([]) == []
    for texts, says in ((["8", "c0=1"], "allowed: a number alone"), (["c0"], "--sequence 'c0'")):
        with pytest.raises(UserError, match=says):
            parsing.sequence(texts)
