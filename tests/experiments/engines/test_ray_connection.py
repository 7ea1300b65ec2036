import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from hyperrl.errors import EngineError, UserError
from hyperrl.experiments.engines.ray_connection import brief, connected
from hyperrl.extras import EXTRAS
from hyperrl.tasks.simulators.threads import CORES
from tests.experiments.engines.fakes import FakeRay


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """The address of a server that answers each connection with some bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # it is closed
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(100)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def address() -> Iterator[str]:
    """Of a server that answers as Ray does."""
    with server(bytes((0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 64, 0, 0))) as found:
        yield found


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
    assert refusal("head:6379") == (
        "ray_address: found 'head:6379'; allowed: None, as this process is connected to Ray already"
    )


@pytest.mark.parametrize("wrong", ["", "head", ":6379", "head:", "head:0", "head:65536", "ray://head:10001"])
def test_an_address_of_another_form_is_refused(wrong: str, ray: FakeRay) -> None:
    assert refusal(wrong) == (
        f"ray_address: found {wrong!r}, where no Ray cluster answers (it is not of the form HOST:PORT);"
        " allowed: HOST:PORT of a cluster that this machine is a part of"
    )
    assert not ray.begun


def test_an_address_where_no_cluster_answers_is_refused(ray: FakeRay, address: str) -> None:
    with server(b"") as gone:
        pass
    assert "where no Ray cluster answers ([Errno" in refusal(gone)
    for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""):
        with server(answer) as other:
            assert "where no Ray cluster answers (something else answers there)" in refusal(other)
    assert not ray.begun
    ray.refuses = RuntimeError("Version mismatch:\nthe cluster has another version.")
    assert "where no Ray cluster answers (the cluster has another version.)" in refusal(address)


def test_a_cluster_of_this_machine_that_does_not_start_is_no_mistake(ray: FakeRay) -> None:
    ray.refuses = RuntimeError("no port is free")
    says = r"^Ray does not start on this machine: no port is free$"
    with pytest.raises(EngineError, match=says), connected(None):
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
