"""`hyperrl describe FILE`: the files of specialize and export, in words."""

from pathlib import Path

import pytest

from hyperrl import api
from hyperrl.cli import describe_file
from tests.runs import message, untrained


def test_a_specialists_file_with_its_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "ode")
    far = api.specialize(run, {"c0": 8}, flag=True).file
    describe_file.describe(str(far))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{far}: a specialist, the network of one task"
    table = {line[:22].strip(): line[22:].strip() for line in lines[2:]}
    assert table["agent"] == "hyper-ppo (ppo)"
    assert table["task"] == "ode, c0=8"
    assert "c0 lies 0.6 half widths beyond its training range" in " ".join(lines)
    assert "0.6 away, flagged above 0.8" in " ".join(lines)
    plain = api.specialize(run, {"c0": 2}).file
    describe_file.describe(str(plain))
    assert "not asked for" in capsys.readouterr().out
    assert "this task | far from what the agent was trained on" in (far.parent / "README.md").read_text()
    assert "--flag" in (far.parent / "README.md").read_text()


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    assert describe_file.is_export("a.onnx")
    assert not describe_file.is_export("a.yaml")
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    said = message(describe_file.describe, str(tmp_path / "x.safetensors"))
    assert "truncated, or no file of a specialist" in said
    assert "No such file" in message(describe_file.describe, str(tmp_path / "y.onnx"))
    run = untrained(tmp_path / "run", "hyper-ppo", "ode")
    said = message(api.specialize, run, {"c0": 8}, flag=True, format="sb3")
    assert said.startswith("flag: found with the format sb3, whose files have no place for it; allowed:")
