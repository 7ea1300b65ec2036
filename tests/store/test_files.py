import os
import stat
from pathlib import Path

import pytest

from hyperrl.errors import UserError
from hyperrl.store import atomic_write, replacing, try_writing
from hyperrl.store.files import checkpoint_name, file_name


def test_a_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def broken(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_data_is_synced_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power failure leaves an empty file, or the old one, where a new one was reported as written."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        synced = os.fstat(handle)
        if stat.S_ISDIR(synced.st_mode):
            assert os.path.samestat(synced, tmp_path.stat())
        done.append("folder" if stat.S_ISDIR(synced.st_mode) else f"{synced.st_size} bytes")
        fsync(handle)

    def noted_replace(source: Path, target: Path) -> None:
        done.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    atomic_write(tmp_path / "file", b"data")
    assert done == ["4 bytes", "replace", "folder"]


def test_the_file_is_readable_as_the_umask_says(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old = os.umask(0o022)
    try:
        atomic_write(path, b"data")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("stop", [OSError("disk full"), KeyboardInterrupt()], ids=["failed", "interrupted"])
def test_what_breaks_off_leaves_the_old_file(tmp_path: Path, stop: BaseException) -> None:
    path = tmp_path / "film.gif"
    path.write_bytes(b"old")

    def write() -> None:
        with replacing(path, ".gif") as beside:
            assert (beside.parent, beside.suffix) == (tmp_path, ".gif")
            beside.write_bytes(b"new")
            raise stop

    with pytest.raises(type(stop)):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_trying_to_write_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    try_writing(path)
    try_writing(tmp_path / "not" / "there" / "file")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name", ["/proc/file", "/proc/none/file", "folder", "file/file", "gone/file", "x" * 250, "a\0b"]
)
def test_what_cannot_be_written_is_reported_by_trying(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=r"\[Errno \d+\]"):
        try_writing(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["latest", "best", "0", "20480"])
def test_checkpoint_names(name: str) -> None:
    assert checkpoint_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "last", "007", "../best", "best.safetensors", "-1", "1e3", "best\n", "٣"]
)
def test_other_checkpoint_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="latest, best or a number of steps"):
        checkpoint_name(name)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\\b", "a\0b", "x" * 129, "é", "a b", "a\n"])
def test_unsafe_file_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="only letters"):
        file_name(name)
