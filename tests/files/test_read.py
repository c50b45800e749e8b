"""From disk to bytes: what is no regular file below the root is told, never followed and never waited for."""

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.files import layout, read
from promptgraph.files.read import read_files
from promptgraph.files.yaml import MAX_BYTES
from tests.factories import prompt_yaml, write_tree

LINK = "This is a symbolic link; only regular files are read."
NOT_REGULAR = "This is not a regular file."


def problems(root: Path) -> dict[str, str]:
    """What could not be read, by path."""
    return {problem.place.path: problem.message for problem in read_files(root)[1]}


def paths(root: Path) -> list[str]:
    """What was read."""
    return [file.path for file in read_files(root)[0]]


def test_reads_the_files_of_all_folders_by_path(tmp_path: Path) -> None:
    """Bytes as they are, paths relative to the root, sorted."""
    texts = {"b/x.prompt.yaml": "b\r\n", "a.prompt.yaml": "a", "_partials/t.j2": "t", "labels.yaml": ""}
    files, found = read_files(write_tree(tmp_path, texts))
    assert [] == found
    assert sorted((path, text.encode()) for path, text in texts.items()) == [
        (file.path, file.raw) for file in files
    ]


def test_names_other_files_without_reading_them(tmp_path: Path) -> None:
    """A stranger is listed without its content, what is ignored is not listed at all."""
    write_tree(tmp_path, {"big.bin": b"x" * 100, "README.md": "x", ".git/config": "x", ".env": "x"})
    assert [("big.bin", b"")] == [(file.path, file.raw) for file in read_files(tmp_path)[0]]


def test_reads_below_a_root_that_is_a_link(tmp_path: Path) -> None:
    """Whoever names the folder may name it by a link."""
    write_tree(tmp_path / "real", {"a.prompt.yaml": "x"})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert ["a.prompt.yaml"] == paths(tmp_path / "link")


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_refuses_a_root_that_is_no_folder(tmp_path: Path, name: str) -> None:
    """The error names the setting and the folder."""
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(InvalidInputError, match=name) as caught:
        read_files(tmp_path / name)
    assert "prompts_dir" == caught.value.field


def test_refuses_links_to_files(tmp_path: Path) -> None:
    """A link is told, whether it leads out of the root, inside or nowhere."""
    outside = tmp_path / "secret"
    outside.write_text("secret")
    root = write_tree(tmp_path / "root", {"a.prompt.yaml": "x"})
    (root / "out.prompt.yaml").symlink_to(outside)
    (root / "in.prompt.yaml").symlink_to(root / "a.prompt.yaml")
    (root / "gone.prompt.yaml").symlink_to(root / "nowhere")
    assert dict.fromkeys(["gone.prompt.yaml", "in.prompt.yaml", "out.prompt.yaml"], LINK) == problems(root)
    assert ["a.prompt.yaml"] == paths(root)


def test_refuses_links_to_folders(tmp_path: Path) -> None:
    """A linked folder is not entered, and a loop ends at once."""
    write_tree(tmp_path / "other", {"b.prompt.yaml": "x"})
    root = write_tree(tmp_path / "root", {"sub/a.prompt.yaml": "x"})
    (root / "linked").symlink_to(tmp_path / "other")
    (root / "sub" / "loop").symlink_to(root)
    assert {"linked": LINK, "sub/loop": LINK} == problems(root)
    assert ["sub/a.prompt.yaml"] == paths(root)


def test_ignores_links_whose_names_are_ignored(tmp_path: Path) -> None:
    """A linked README troubles nobody."""
    (tmp_path / "README.md").symlink_to(tmp_path / "nowhere")
    assert ([], []) == read_files(tmp_path)


def test_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    """A FIFO is told; nobody opens it to read."""
    os.mkfifo(tmp_path / "a.prompt.yaml")
    assert {"a.prompt.yaml": NOT_REGULAR} == problems(tmp_path)


def test_refuses_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket is told too."""
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.prompt.yaml")
        assert {"a.prompt.yaml": NOT_REGULAR} == problems(tmp_path)


def test_refuses_a_device(tmp_path: Path) -> None:
    """A device that has no end is not read."""
    try:
        os.mknod(tmp_path / "a.prompt.yaml", 0o666 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    assert {"a.prompt.yaml": NOT_REGULAR} == problems(tmp_path)


def test_refuses_what_becomes_a_pipe_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the listing took for a file is looked at again once it is open, and opening it does not block."""
    os.mkfifo(tmp_path / "a.prompt.yaml")
    monkeypatch.setattr(read, "_mode", lambda _entry: 0o100644)
    assert {"a.prompt.yaml": NOT_REGULAR} == problems(tmp_path)


def test_refuses_what_becomes_a_link_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file replaced by a link after the listing is not followed."""
    (tmp_path / "secret").write_text("secret")
    root = write_tree(tmp_path / "root", {})
    root.mkdir()
    (root / "a.prompt.yaml").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(read, "_mode", lambda _entry: 0o100644)
    assert ({"a.prompt.yaml": LINK}, []) == (problems(root), paths(root))


def test_tells_a_file_that_is_gone_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file removed while the folder is read is a problem of its own, not a crash."""
    write_tree(tmp_path, {"a.prompt.yaml": "x", "b.prompt.yaml": "x"})
    printable = layout.printable

    def removing(path: str) -> str:
        (tmp_path / "a.prompt.yaml").unlink(missing_ok=True)
        return printable(path)

    monkeypatch.setattr(read, "printable", removing)
    files, found = read_files(tmp_path)
    assert ["This was removed while it was being read."] == [problem.message for problem in found]
    assert ["b.prompt.yaml"] == [file.path for file in files]


def test_tells_a_file_that_is_gone_before_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in a listing may have no file behind it any more."""
    write_tree(tmp_path, {"a.prompt.yaml": "x"})
    real = os.scandir

    def vanishing(handle: int) -> contextlib.nullcontext[list[os.DirEntry[str]]]:
        with real(handle) as entries:
            found = list(entries)
        (tmp_path / "a.prompt.yaml").unlink()
        return contextlib.nullcontext(found)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert {"a.prompt.yaml": "This was removed while it was being read."} == problems(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["a.prompt.yaml", "folder"])
def test_tells_what_it_may_not_read(tmp_path: Path, name: str) -> None:
    """A file or folder without permission is told, the rest is read."""
    write_tree(tmp_path, {"a.prompt.yaml": "x", "folder/b.prompt.yaml": "x", "c.prompt.yaml": "x"})
    (tmp_path / name).chmod(0)
    found = problems(tmp_path)
    (tmp_path / name).chmod(0o700)
    assert {name: "This may not be read by this user."} == found


REASONS = {errno.EACCES: "This may not be read by this user.", errno.EIO: "This cannot be read."}


@pytest.mark.parametrize("code", REASONS, ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["a.prompt.yaml", "folder"])
def test_tells_why_something_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    """What the system refuses is told in words, for files and folders; the rest is read."""
    write_tree(tmp_path, {"a.prompt.yaml": "x", "folder/b.prompt.yaml": "x", "c.prompt.yaml": "x"})
    real = os.open

    def refusing(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == name:
            raise OSError(code, os.strerror(code))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    assert {name: REASONS[code]} == problems(tmp_path)
    assert "c.prompt.yaml" in paths(tmp_path)


def test_refuses_names_that_are_not_utf8(tmp_path: Path) -> None:
    """The name is shown with its bytes written out, so that it can be printed and stored."""
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.prompt.yaml", os.O_CREAT))
    assert {"caf\\udce9.prompt.yaml": "The name is not UTF-8."} == problems(tmp_path)


def test_reads_one_byte_more_than_a_file_may_hold(tmp_path: Path) -> None:
    """A file without end costs no more than the limit."""
    write_tree(tmp_path, {"a.prompt.yaml": b"x" * (MAX_BYTES * 2)})
    assert [MAX_BYTES + 1] == [len(file.raw) for file in read_files(tmp_path)[0]]


def test_stops_at_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit nothing more is listed; hidden files count, for they cost too."""
    monkeypatch.setattr(read, "MAX_FILES", 3)
    write_tree(tmp_path, {f"{name}.prompt.yaml": "x" for name in "abc"} | {".hidden": "x"})
    assert {".": "There are more than 3 files."} == problems(tmp_path)


def test_stops_at_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit nothing more is read."""
    monkeypatch.setattr(read, "MAX_TREE_BYTES", 1 << 20)
    write_tree(tmp_path, {f"{name}.prompt.yaml": b"x" * MAX_BYTES for name in "abcde"})
    assert {".": "The files hold more than 1 MiB."} == problems(tmp_path)


def test_stops_at_too_many_folders_in_each_other(tmp_path: Path) -> None:
    """What lies deeper is told once and left alone."""
    write_tree(tmp_path, {"d/" * 30 + "a.prompt.yaml": "x", "a.prompt.yaml": prompt_yaml()})
    (path,) = problems(tmp_path)
    assert 20 == path.count("/")
    assert ["a.prompt.yaml"] == paths(tmp_path)
