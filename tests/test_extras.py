"""What needs an extra is refused in one line where the extra's package is not there."""

import warnings
from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.extras import TRACKERS, check_trackers, load_extra
from hyperrl.recipes import EXTRAS, is_missing, refuse_missing


def test_an_extra_is_missed_by_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "contrib", "no_such_package")
    assert is_missing("contrib")
    says = r"^algorithm 'tqc' needs an extra: pip install 'hyperrl\[contrib\]'$"
    with pytest.raises(UserError, match=says):
        refuse_missing("contrib", "algorithm 'tqc'")
    monkeypatch.setitem(EXTRAS, "contrib", "json")
    for extra in ("contrib", None):
        assert not is_missing(extra)
        refuse_missing(extra, "algorithm 'tqc'")


def test_a_folder_of_the_modules_name_is_not_the_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """W&B writes into a folder `wandb` of the working folder, which `python -m` puts onto the path."""
    (tmp_path / "no_such_package" / "offline-run-1").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(EXTRAS, "wandb", "no_such_package")
    assert is_missing("wandb")


def test_trackers_are_known_and_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "wandb", "json")
    monkeypatch.setitem(EXTRAS, "mlflow", "no_such_package")
    assert set(TRACKERS) <= EXTRAS.keys()
    assert check_trackers([]) == ()
    assert check_trackers(["wandb", "wandb"]) == ("wandb",)
    with pytest.raises(UserError, match=r"^track mlflow needs an extra: pip install 'hyperrl\[mlflow\]'$"):
        check_trackers(["wandb", "mlflow"])
    with pytest.raises(UserError, match=r"^track: unknown tracker 'mlfow'; did you mean 'mlflow'\?"):
        check_trackers(["mlfow"])


def test_warnings_of_a_packages_import_are_not_raised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    with open(f"{tmp_path}/warns_when_loaded.py", "w") as file:
        file.write("import warnings\nwarnings.warn('old', DeprecationWarning)\n")
    monkeypatch.setitem(EXTRAS, "box2d", "warns_when_loaded")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_extra("box2d")
