"""The garbage collector rests while modules are imported, and only then."""

import gc
import subprocess
import sys

import pytest

from hyperrl.garbage import collection_paused


def test_collection_goes_on_afterwards_and_after_an_error() -> None:
    for error in (None, ImportError("torn")):
        with pytest.raises(ImportError) if error else collection_paused(), collection_paused():
            assert not gc.isenabled()
            if error:
                raise error
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_a_command_imports_is_left_out_of_later_collections() -> None:
    code = (
        "import sys; sys.orig_argv[:] = ['python', '-m', 'hyperrl']\n"
        "import gc; from hyperrl.garbage import collection_paused\n"
        "with collection_paused(): import decimal\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["True", "True"], done.stderr
