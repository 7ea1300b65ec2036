"""TensorBoard's event files of a run: in order whatever the clock says, and written in this thread."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.writer import FileWriter, SummaryWriter

VERSION = "brain.Event:2"
_NAME = re.compile(r"events\.out\.tfevents\.(\d{10,})\.")
_BUFFER = 1 << 16


class EventFile:
    """One event file, in place of tensorboard's `EventFileWriter`.

    Readers of a folder take its event files in the order of their names, and a resumed run's file drops later
    steps of earlier files. TensorBoard names files by the second, then the process, then a counter without
    leading zeros, so that a new file may come before older ones: within one second, and where a clock was set
    back. Here a name counts on from the newest one in the folder. No thread writes: an error in writing is
    raised where it happens.

    Args:
        folder: of the event files; it is created.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = (folder / _next_name(folder)).open("xb", buffering=0)
        self._buffer = bytearray()
        self._records = RecordWriter(self)
        self.add_event(Event(wall_time=time.time(), file_version=VERSION))
        self.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return str(self._folder)

    def add_event(self, event: Event) -> None:
        """Add an event to the buffer; `flush` writes it."""
        self._records.write(event.SerializeToString())

    def write(self, data: bytes) -> None:
        """Add a record's bytes to the buffer."""
        self._buffer += data
        if len(self._buffer) > _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Hand the buffer to the operating system."""
        data, self._buffer = memoryview(self._buffer), bytearray()
        while data:
            data = data[self._file.write(data) :]

    def close(self) -> None:
        """Flush, and close the file."""
        try:
            self.flush()
        finally:
            self._file.close()


class _Events(FileWriter):
    def __init__(self, folder: Path) -> None:
        self.event_writer = EventFile(folder)


class RunSummaryWriter(SummaryWriter):
    """Torch's writer with an `EventFile` of its own.

    Args:
        folder: of the event files.
        resumed_at: environment steps from which a run goes on; readers drop later steps of earlier files.
            None for a new run.
    """

    file_writer: Any
    all_writers: Any

    def __init__(self, folder: Path, resumed_at: int | None = None) -> None:
        super().__init__(str(folder), purge_step=None if resumed_at is None else resumed_at + 1)

    def _get_file_writer(self) -> FileWriter:
        if self.file_writer is None:
            self.file_writer = _Events(Path(self.log_dir))
            self.all_writers = {self.log_dir: self.file_writer}
            if self.purge_step is not None:
                start = SessionLog(status=SessionLog.START)
                self.file_writer.add_event(Event(step=self.purge_step, session_log=start))
        writer: FileWriter = self.file_writer
        return writer

    def close(self) -> None:
        """Flush and close the file, also where flushing fails."""
        writer, self.file_writer, self.all_writers = self.file_writer, None, None
        if writer is not None:
            writer.close()


def _next_name(folder: Path) -> str:
    matches = [_NAME.match(path.name) for path in folder.iterdir()]
    newest = max((int(match[1]) for match in matches if match), default=-1)
    seconds = max(int(time.time()), newest + 1)
    return f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}.0"
