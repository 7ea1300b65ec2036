import os
import signal
import socket
from collections.abc import Iterator

import pytest

from hyperrl.errors import EngineError, UserError
from hyperrl.experiments.engines.ray_connection import brief, connected
from hyperrl.extras import EXTRAS
from hyperrl.tasks.simulators.threads import CORES
from tests.experiments.engines.fakes import FakeRay


@pytest.fixture
def address() -> Iterator[str]:
    """Of something that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def refusal(address: str | None) -> str:
    with pytest.raises(UserError) as error, connected(address):
        pass
    return str(error.value)


def test_a_cluster_of_this_machine_has_its_cores_and_writes_nothing_at_home(
    ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CORES, "3")
    with connected(None):
        assert ray.shutdowns == 0
    ((address, settings),) = ray.begun
    assert (address, settings["num_cpus"], settings["include_dashboard"]) == ("local", 3, False)
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
    assert ray.shutdowns == 1


def test_a_cluster_at_an_address_has_settings_of_its_own(ray: FakeRay, address: str) -> None:
    with connected(address):
        ((found, settings),) = ray.begun
    assert found == address
    assert "num_cpus" not in settings
    assert "RAY_AUTH_MODE" not in os.environ


def test_a_connection_of_the_users_own_is_used_and_left_open(ray: FakeRay) -> None:
    ray.is_connected = True
    with connected(None):
        pass
    assert (ray.begun, ray.shutdowns) == ([], 0)
    assert refusal("auto") == (
        "ray_address: found 'auto'; allowed: None, as this process is connected to Ray already"
    )


@pytest.mark.parametrize("wrong", ["", "head", ":6379", "head:", "head:0", "head:65536", "ray://head:10001"])
def test_an_address_of_another_form_is_refused(wrong: str, ray: FakeRay) -> None:
    assert refusal(wrong) == (
        f"ray_address: found {wrong!r}, where no Ray cluster answers (it is not of the form HOST:PORT);"
        " allowed: HOST:PORT of a cluster that this machine is a part of, or 'auto'"
    )
    assert not ray.begun


def test_an_address_where_nothing_answers_is_refused(ray: FakeRay, address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"127.0.0.1:{server.getsockname()[1]}"
    assert "where no Ray cluster answers ([Errno" in refusal(gone)
    ray.refuses = ConnectionError("Could not find any running Ray instance.\nPlease start one.")
    assert "where no Ray cluster answers (Please start one.)" in refusal("auto")
    ray.refuses = RuntimeError("Version mismatch")
    assert "where no Ray cluster answers (Version mismatch)" in refusal(address)
    with (
        pytest.raises(EngineError, match=r"^Ray does not start on this machine: Version mismatch$"),
        connected(None),
    ):
        pass


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "ray", "no_such_package")
    assert refusal(None) == "engine 'ray' needs an extra: pip install 'hyperrl[ray]'"


def test_handlers_of_signals_are_put_back(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's own for SIGTERM would end the process without a word to the runs."""
    before = signal.getsignal(signal.SIGTERM)

    def init(*_: object, **__: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)

    monkeypatch.setattr("ray.init", init)
    with connected(None):
        assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_in_one_line() -> None:
    assert brief(ValueError(" a\n\n b \n")) == "b"
    assert brief(ValueError()) == "ValueError"
