"""The outbox file: what is put there stays, is lent to one at a time, and never grows beyond its bounds."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from promptgraph.client.calls import Kind, Row
from promptgraph.client.lending import Leased, Settled
from promptgraph.client.limits import Bounds
from promptgraph.client.outbox import LEASE_S, Outbox
from promptgraph.client.outbox_file import FORMAT
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError
from tests.children import surroundings


def row(text: str = "{}", kind: Kind = Kind.CALL) -> Row:
    return Row(kind, new_call_id(), text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    """An empty outbox whose clock a test may set."""
    made = Outbox(path, now=lambda: CLOCK[0])
    CLOCK[0] = 1_000_000.0
    yield made
    made.close()


CLOCK = [0.0]


def lent(outbox: Outbox) -> Leased:
    found = outbox.lease()
    assert found is not None
    return found


def everything(leased: Leased) -> Settled:
    return Settled(tuple(range(len(leased.rows))))


def test_rows_come_out_as_they_went_in(outbox: Outbox, path: Path) -> None:
    """In order, once; the file is its owner's alone."""
    rows = [row(str(number)) for number in range(5)]
    for each in rows:
        outbox.put(each)
    leased = lent(outbox)
    assert tuple(rows) == leased.rows
    assert outbox.lease() is None
    outbox.settle(leased, everything(leased))
    status = outbox.status()
    assert (0, 5) == (status.waiting, status.delivered)
    assert {0o600} == {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}


def test_a_file_that_others_may_read_is_closed_to_them(path: Path) -> None:
    """Whoever made it."""
    path.parent.mkdir()
    path.touch(0o644)
    outbox = Outbox(path)
    outbox.put(row())
    assert 0o600 == path.stat().st_mode & 0o777
    outbox.close()


def test_rows_survive_their_writer(path: Path) -> None:
    """What was put and never closed is there for the next process."""
    if (child := os.fork()) == 0:
        Outbox(path).put(row("{}"))
        os._exit(0)
    os.waitpid(child, 0)
    outbox = Outbox(path)
    assert 1 == outbox.waiting()
    outbox.close()


def test_a_lease_ends(outbox: Outbox) -> None:
    """What somebody took and never settled is lent again, and their late answer takes nothing away."""
    outbox.put(row("first"))
    late = lent(outbox)
    CLOCK[0] += LEASE_S + 1
    again = lent(outbox)
    assert late.rows == again.rows
    outbox.settle(again, everything(again))
    outbox.put(row("second"))  # it gets the number of the first
    outbox.settle(late, everything(late))
    assert (1, 1) == (outbox.waiting(), outbox.status().delivered)


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "forth"])
def test_a_clock_that_jumps_holds_up_nothing(outbox: Outbox, jump: float) -> None:
    """A lease that the old clock gave is over."""
    outbox.put(row())
    lent(outbox)
    CLOCK[0] += jump
    assert 1 == len(lent(outbox).rows)


def test_calls_go_before_their_scores(outbox: Outbox) -> None:
    """One kind at a time, in the order in which they came."""
    for kind in (Kind.CALL, Kind.CALL, Kind.SCORE, Kind.CALL):
        outbox.put(row(kind=kind))
    sizes = []
    while (leased := outbox.lease()) is not None:
        sizes.append((leased.rows[0].kind, len(leased.rows)))
        outbox.settle(leased, everything(leased))
    assert [(Kind.CALL, 2), (Kind.SCORE, 1), (Kind.CALL, 1)] == sizes


def test_a_batch_has_bounds(path: Path) -> None:
    """In rows and in bytes; a row that is larger goes alone."""
    outbox = Outbox(path, batch_rows=2, batch_bytes=50)
    for size in (10, 10, 90, 10):
        outbox.put(row("x" * size))
    sizes = []
    while (leased := outbox.lease()) is not None:
        sizes.append(len(leased.rows))
        outbox.settle(leased, everything(leased))
    assert [2, 1, 1] == sizes
    outbox.close()


def test_what_is_refused_is_set_aside(outbox: Outbox) -> None:
    """With the reason; it can be put back. What is neither delivered nor refused stays."""
    rows = [row(str(number)) for number in range(4)]
    for each in rows:
        outbox.put(each)
    outbox.settle(lent(outbox), Settled((0,), (1,), ((2, "no such prompt"),)))
    status = outbox.status()
    assert (1, 1, 2, 1, 1) == (
        status.waiting, status.refused, status.delivered, status.duplicates, status.set_aside,
    )  # fmt: skip
    assert [(rows[2].call_id, "no such prompt")] == outbox.refusals()
    assert 1 == outbox.retry_refused()
    assert {rows[2].call_id, rows[3].call_id} == {each.call_id for each in lent(outbox).rows}


@pytest.mark.parametrize("bounds", [Bounds(rows=10), Bounds(bytes=64 * 1024)], ids=["rows", "bytes"])
def test_it_grows_to_its_bounds(path: Path, bounds: Bounds, caplog: pytest.LogCaptureFixture) -> None:
    """What does not fit is refused and counted; once there is room again, more is taken."""
    outbox = Outbox(path, bounds=bounds)
    kept = 0
    told = ""
    while not told:
        try:
            outbox.put(row("x" * 4000))
        except StoreUnavailableError as error:
            told = str(error)
        else:
            kept += 1
    assert "is full" in told
    assert kept == outbox.waiting()
    assert 1 == outbox.status().dropped
    assert "is full" in caplog.text
    leased = lent(outbox)
    outbox.settle(leased, everything(leased))
    outbox.put(row("x"))
    outbox.close()


@pytest.mark.parametrize("how", ["overwritten", "torn"])
def test_a_broken_file_is_set_aside(path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept under another name, the log says so, and recording goes on."""
    first = Outbox(path)
    for _ in range(200):
        first.put(row("x" * 500))
    first.close()
    raw = path.read_bytes()
    path.write_bytes(b"no database at all" * 100 if how == "overwritten" else raw[:8192] + b"\xff" * 20000)
    outbox = Outbox(path)
    with suppress(StoreUnavailableError):
        outbox.put(row())
    while outbox.status().corrupt == 0:
        leased = lent(outbox)
        outbox.settle(leased, everything(leased))
    outbox.put(row())
    assert outbox.waiting() >= 1
    assert 1 == len(list(path.parent.glob("outbox.db.corrupt-*[0-9]")))
    assert "set aside" in caplog.text
    outbox.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_broken_file_is_set_aside_once(path: Path) -> None:
    """However many processes find it so at one moment; what they keep is in the new one."""
    first = Outbox(path)
    first.put(row())
    first.close()
    path.write_bytes(b"no database at all" * 100)
    in_processes(lambda: _puts(Outbox(path), 20), 4)
    outbox = Outbox(path)
    assert (80, 1) == (outbox.waiting(), outbox.status().corrupt)
    assert 1 == len(list(path.parent.glob("outbox.db.corrupt-*[0-9]")))
    outbox.close()


def test_what_was_kept_a_moment_ago_survives_a_broken_file(path: Path) -> None:
    """It is in the spool still."""
    outbox = Outbox(path)
    outbox.put(row("0"))
    outbox.put(row("1"))
    path.write_bytes(b"no database at all" * 100)
    other = Outbox(path)
    assert ("1",) == tuple(each.text for each in lent(other).rows)
    other.close()
    outbox.close()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("0 0123456789abcdef0123456789abcdef 99 {cut", id="cut off"),
        pytest.param("7 0123456789abcdef0123456789abcdef 2 {}", id="of no kind"),
        pytest.param(f"{2**64} 0123456789abcdef0123456789abcdef 2 {{}}", id="of an endless kind"),
        pytest.param("0 0123456789abcdef 2 {}", id="half an id"),
        pytest.param("0 0123456789abcdef0123456789abcdef 2 \x80\x00", id="no text"),
    ],
)
def test_a_line_that_is_no_row_spoils_no_other(path: Path, line: str) -> None:
    """Its writer died in the middle of it, so that `put` had not returned; or it was damaged later."""
    outbox = Outbox(path)
    outbox.put(row("0"))
    for number in (1, 2):
        outbox.put(row(str(number)))
        with path.with_name("outbox.db-spool").open("ab") as spool:
            spool.write(b"\n" + line.encode("latin-1"))
    outbox.put(row("3"))
    assert ("0", "1", "2", "3") == tuple(each.text for each in lent(outbox).rows)
    outbox.close()


def test_two_of_one_process_lose_nothing(path: Path) -> None:
    """To open a file and close it ends all locks that a process has on it; another process would then take
    its log away.
    """
    first, second = Outbox(path), Outbox(path)
    for outbox in (first, second, first):
        outbox.put(row())
    assert 3 == first.waiting()
    script = "import sys; from pathlib import Path; from promptgraph.client.outbox import Outbox\n"
    script += "outbox = Outbox(Path(sys.argv[1])); print(outbox.waiting()); outbox.close()"
    command = [sys.executable, "-c", script, str(path)]
    for expected in (3, 6):
        done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=True)
        assert f"{expected}\n" == done.stdout
        for outbox in (first, second, first):
            outbox.put(row())
        second.waiting()
    first.close()
    second.close()


@pytest.mark.parametrize("what", ["database", "text"])
def test_a_file_of_something_else_is_left_alone(path: Path, what: str) -> None:
    """A path that was mistaken: nothing is written to it, it keeps its name and its mode."""
    path.parent.mkdir()
    if what == "text":
        path.write_text("a page that somebody wrote " * 100)
    else:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE theirs (x)")
        other.close()
    path.chmod(0o644)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(InvalidInputError, match="something else"):
            Outbox(path).put(row())
    assert (before, 0o644) == (path.read_bytes(), path.stat().st_mode & 0o777)


def test_an_outbox_of_a_newer_release_is_left_alone(path: Path) -> None:
    """This one would not understand it."""
    outbox = Outbox(path)
    outbox.put(row())
    outbox.close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {FORMAT + 1}")
    newer.close()
    with pytest.raises(InvalidInputError, match="newer release"):
        outbox.put(row())
    assert not list(path.parent.glob("*corrupt*"))


def test_an_interrupted_look_leaves_it_usable(outbox: Outbox) -> None:
    """Ctrl-C in the middle of a transaction undoes it."""

    def interrupted(db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        raise KeyboardInterrupt

    outbox.put(row())
    with pytest.raises(KeyboardInterrupt):
        outbox._file.run(interrupted)  # noqa: SLF001  # as a lease would be
    assert 1 == len(lent(outbox).rows)


def test_a_link_is_not_followed(path: Path) -> None:
    """Through a link it could close, or set aside, what is no outbox."""
    path.parent.mkdir()
    theirs = path.with_name("theirs")
    theirs.write_text("theirs")
    path.symlink_to(theirs)
    with pytest.raises(InvalidInputError, match="a link"):
        Outbox(path).put(row())
    assert "theirs" == theirs.read_text()


def _told_by_a_child(work: Callable[[], object]) -> str:
    """The error that `work` ends with in a process of its own."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        told = "nothing"
        try:
            work()
        except Exception as error:  # noqa: BLE001  # whichever it is
            told = f"{type(error).__name__}: {error}"
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as told_by:
        return told_by.read()


def test_a_process_without_descriptors_is_told(path: Path) -> None:
    """It is not the outbox that is wrong."""

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
        held = []
        with suppress(OSError):
            while True:
                held.append(os.dup(0))
        Outbox(path).put(row())

    path.parent.mkdir()
    assert "StoreUnavailableError" in (told := _told_by_a_child(work))
    assert "Too many open files" in told


def test_a_place_that_is_not_writable_is_told(path: Path) -> None:
    """With the path, as one of our errors: a recorder must not end the program that it serves."""

    def work() -> None:
        if os.geteuid() == 0:
            os.setuid(12_345)
        Outbox(path).put(row())

    Outbox(path).put(row())
    path.parent.chmod(0o555)
    for each in path.parent.iterdir():
        each.chmod(0o444)
    told = _told_by_a_child(work)
    path.parent.chmod(0o755)
    assert "InvalidInputError" in told
    assert str(path) in told


def test_a_file_that_was_taken_away_is_made_anew(path: Path) -> None:
    """A tidy neighbour deletes it: what comes from then on is in a file that is there."""
    outbox = Outbox(path, bounds=Bounds())
    outbox.put(row())
    for file in path.parent.iterdir():
        file.unlink()
    for _ in range(300):
        outbox.put(row())
    assert 1 <= Outbox(path).waiting()
    outbox.close()


def test_a_full_disk_is_told(path: Path) -> None:
    """The process has no room for one more page: the error says so, and what was kept stays."""

    def work() -> None:
        outbox = Outbox(path)
        outbox.put(row("x"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        for _ in range(1000):
            outbox.put(row("x" * 4000))

    told = _told_by_a_child(work)
    assert "is full" in told
    assert str(path) in told
    assert "not kept" in told
    again = Outbox(path)
    assert again.waiting() > 10
    again.close()


@pytest.mark.parametrize("name", ["folder", "no/way"], ids=["a folder", "below a file"])
def test_a_place_that_cannot_be_is_told(tmp_path: Path, name: str) -> None:
    """At the first use, with the path."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "no").touch()
    with pytest.raises(InvalidInputError, match=name):
        Outbox(tmp_path / name).put(row())


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_threads_share_one(outbox: Outbox) -> None:
    """None of their rows is missing or there twice."""
    _in_threads(lambda: _puts(outbox, 100), 8)
    ids = [each.call_id for each in lent(outbox).rows]
    assert (800, 800) == (len(ids), len(set(ids)))


def in_processes(work: Callable[[], None], count: int) -> None:
    """Each forked from this one."""
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work) for _ in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [0] * count == [child.exitcode for child in children]


def _puts(outbox: Outbox, count: int) -> None:
    for _ in range(count):
        outbox.put(row())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_it_survives_forks(outbox: Outbox) -> None:
    """Parent and children go on with one that was open, while threads are writing."""
    outbox.put(row())
    going = threading.Thread(target=_puts, args=(outbox, 300))
    going.start()
    in_processes(lambda: _puts(outbox, 100), 4)
    going.join()
    assert 1 + 300 + 400 == outbox.waiting()


def test_an_open_outbox_is_no_burden_to_sqlite(outbox: Outbox, path: Path) -> None:
    """It is a plain SQLite file in WAL mode: whoever must can look at it."""
    outbox.put(row("{}"))
    with sqlite3.connect(path) as other:
        assert ("wal",) == other.execute("PRAGMA journal_mode").fetchone()
        assert [("{}",)] == other.execute("SELECT body FROM waiting").fetchall()
    other.close()
