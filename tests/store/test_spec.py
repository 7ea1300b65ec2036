from pathlib import Path
from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import load_family, shipped
from hyperrl.store import Run, RunSpec
from hyperrl.store.spec import SpecReader, read_spec, spec_text


def test_all_that_a_run_is_started_with_is_noted(spec: RunSpec, tmp_path: Path) -> None:
    given: dict[str, Any] = {"overrides": ("n_envs=2",), "from_run": "runs/other", "keep": 3}
    noted = RunSpec.now(spec.agent, spec.family, seed=0, steps=1, **given)
    (tmp_path / "run.yaml").write_text(spec_text(noted), encoding="utf-8")
    found = read_spec(tmp_path / "run.yaml")
    assert (found.seed, found.steps, found.agent, found.family) == (0, 1, spec.agent, spec.family)
    assert {name: getattr(found, name) for name in given} == given


@pytest.mark.parametrize("name", sorted(shipped("envs")))
def test_every_shipped_family_survives_run_yaml(name: str, spec: RunSpec, tmp_path: Path) -> None:
    written = spec.model_copy(update={"family": load_family(name)})
    (tmp_path / "run.yaml").write_text(spec_text(written), encoding="utf-8")
    assert read_spec(tmp_path / "run.yaml") == written


def test_text_that_looks_like_a_number_stays_text(spec: RunSpec, tmp_path: Path) -> None:
    family = spec.family.model_copy(
        update={"kwargs": {"version": "1e3", "flag": "true", "n": "12", "x": "1.5"}}
    )
    written = spec.model_copy(update={"family": family})
    (tmp_path / "run.yaml").write_text(spec_text(written), encoding="utf-8")
    assert read_spec(tmp_path / "run.yaml").family.kwargs == family.kwargs


def test_a_corrupt_run_yaml_is_reported_in_one_line(run: Run) -> None:
    path = run.path / "run.yaml"
    whole = path.read_text(encoding="utf-8")
    broken = [
        "",
        whole[: len(whole) // 3],
        whole[: len(whole) // 2],
        whole.replace("seed: 3", "seed: -3"),
        whole.replace("format: 1", "format: 2", 1),
        whole + "seed: 4\n",
        whole + "color: red\n",
        "!!python/object/apply:os.system ['true']",
        "\x00\x01",
    ]
    for text in broken:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UserError) as caught:
            Run.open(run.path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        Run.open(run.path)


def test_recipes_that_runs_share_are_read_once(
    tmp_path: Path, spec: RunSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = [spec, spec.model_copy(update={"seed": 8, "from_run": "runs/a: b"})]
    for number, each in enumerate(specs):
        (tmp_path / f"{number}.yaml").write_text(spec_text(each))
    reader = SpecReader()
    calls: list[Path] = []

    def read(path: Path) -> RunSpec:
        calls.append(path)
        return read_spec(path)

    monkeypatch.setattr("hyperrl.store.spec.read_spec", read)
    found = [reader.read(tmp_path / f"{number}.yaml") for number in (0, 1)]
    assert found == specs
    assert len(calls) == 1
    assert found[0].family is found[1].family
    (tmp_path / "1.yaml").write_text(spec_text(spec).replace("seed: 3", "seed: -3"))
    with pytest.raises(UserError, match="seed"):
        reader.read(tmp_path / "1.yaml")
    (tmp_path / "1.yaml").write_bytes(b"\xff")
    with pytest.raises(UserError):
        reader.read(tmp_path / "1.yaml")
