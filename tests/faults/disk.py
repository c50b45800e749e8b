"""What a power cut leaves of files: SQLite's own way to the disk, with every write remembered until its sync.

A VFS around the usual one becomes the default of this process. It is made by ctypes from the very library
that Python's sqlite3 is bound to: what is watched is the product's own path. Not modelled: directories.
"""

from __future__ import annotations

import ctypes
import random
import re
import sqlite3
import threading
from ctypes import CFUNCTYPE, POINTER, Structure, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class Vfs(Structure):
    """sqlite3_vfs."""

    _fields_ = (
        *((name, c_int) for name in ("version", "file_size", "max_path")),
        *((name, c_void_p) for name in ("next", "name", "data")),
        ("open", OPEN),
        ("delete", DELETE),
        ("others", c_void_p * 13),
    )


class Methods(Structure):
    """sqlite3_io_methods."""

    _fields_ = (
        ("version", c_int),
        *((name, c_void_p) for name in ("close", "read")),
        ("write", WRITE),
        ("truncate", TRUNCATE),
        ("sync", SYNC),
        ("others", c_void_p * 13),
    )


def library() -> str | None:
    """The shared library that Python's sqlite3 is bound to; None where it is none."""
    assert sqlite3.sqlite_version
    found = re.search(r"\S*/libsqlite3\.so\S*", Path("/proc/self/maps").read_text())
    return found and found.group()


class File:
    """A file of the disk: what is on it for sure, and the writes since, (offset, bytes) or (size, None)."""

    def __init__(self, path: Path) -> None:
        self.safe = bytearray(path.read_bytes() if path.exists() else b"")
        self.pending: list[tuple[int, bytes | None]] = []

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.safe, *change)
        self.pending.clear()

    def after_cut(self, kept: float, rng: random.Random) -> bytes:
        """What is there when the power comes back: of the writes without a sync so large a part."""
        image = bytearray(self.safe)
        for change in self.pending:
            if rng.random() < kept:
                _apply(image, *change)
        return bytes(image)


def _apply(image: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del image[offset:]
        return
    image.extend(b"\0" * (offset - len(image)))
    image[offset : offset + len(data)] = data


class Disk:
    """Watches every database file that this process opens from now on."""

    def __init__(self) -> None:
        path = library()
        assert path is not None
        self._sqlite = ctypes.CDLL(path)
        self._sqlite.sqlite3_vfs_find.restype = POINTER(Vfs)
        self._usual = self._sqlite.sqlite3_vfs_find(None)
        self._files: dict[str, File] = {}
        self._names: dict[int, str] = {}
        self._methods: dict[int, Methods] = {}
        self._lock = threading.Lock()
        self._name = ctypes.create_string_buffer(b"disk")
        self._ours = Vfs.from_buffer_copy(self._usual.contents)
        self._ours.name = ctypes.addressof(self._name)
        self._ours.open, self._ours.delete = OPEN(self._open), DELETE(self._delete)
        assert 0 == self._sqlite.sqlite3_vfs_register(ctypes.byref(self._ours), 1)

    def cut(self, folder: Path, kept: float, rng: random.Random) -> None:
        """Write the files as a power cut of this moment would leave them."""
        folder.mkdir()
        with self._lock:
            for name, file in self._files.items():
                (folder / Path(name).name).write_bytes(file.after_cut(kept, rng))

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        # SQLite keeps the name where it stands, so the very pointer is passed on
        usual = self._usual.contents
        failed: int = usual.open(ctypes.addressof(usual), name, file, flags, out)
        if not failed and name is not None:
            path = ctypes.string_at(name).decode()
            with self._lock:
                self._names[file] = path
                self._files.setdefault(path, File(Path(path)))
            methods = ctypes.cast(file, POINTER(c_void_p))
            methods[0] = ctypes.addressof(self._watching(int(methods[0])))
        return failed

    def _delete(self, _vfs: int, name: int, synced: int) -> int:
        with self._lock:
            self._files.pop(ctypes.string_at(name).decode(), None)
        usual = self._usual.contents
        failed: int = usual.delete(ctypes.addressof(usual), name, synced)
        return failed

    def _watching(self, address: int) -> Methods:
        """The usual methods of a file, with what changes it told to us first."""
        if address in self._methods:
            return self._methods[address]
        usual = Methods.from_address(address)

        def write(file: int, data: int, size: int, offset: int) -> int:
            self._remember(file, offset, ctypes.string_at(data, size))
            return int(usual.write(file, data, size, offset))

        def truncate(file: int, size: int) -> int:
            self._remember(file, size, None)
            return int(usual.truncate(file, size))

        def sync(file: int, flags: int) -> int:
            failed = int(usual.sync(file, flags))
            with self._lock:
                if not failed and (known := self._files.get(self._names[file])):
                    known.sync()
            return failed

        ours = Methods.from_buffer_copy(usual)
        ours.write, ours.truncate, ours.sync = WRITE(write), TRUNCATE(truncate), SYNC(sync)
        self._methods[address] = ours
        return ours

    def _remember(self, file: int, offset: int, data: bytes | None) -> None:
        with self._lock:
            if known := self._files.get(self._names[file]):
                known.pending.append((offset, data))
