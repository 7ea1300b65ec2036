"""What needs an extra is refused in one line where the extra's package is not there."""

import warnings

import pytest

from hyperrl.errors import UserError
from hyperrl.extras import load_extra
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
