"""The outbox file: what is put there stays, is lent to one at a time, and never grows beyond its bounds."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from promptgraph.client.calls import Kind, Row
from promptgraph.client.lending import Leased, Settled
from promptgraph.client.limits import Bounds
from promptgraph.client.outbox import LEASE_S, Outbox
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError


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
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        outbox = Outbox(path)
        outbox.put(row("x"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        told = "nothing"
        try:
            for _ in range(1000):
                outbox.put(row("x" * 4000))
        except StoreUnavailableError as error:
            told = str(error)
        os.write(writer, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reader, 10_000).decode()
    os.close(reader)
    os.close(writer)
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


def _puts(outbox: Outbox, count: int) -> None:
    for _ in range(count):
        outbox.put(row())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_it_survives_forks(outbox: Outbox) -> None:
    """Parent and children go on with one that was open, while threads are writing."""
    outbox.put(row())
    going = threading.Thread(target=_puts, args=(outbox, 300))
    going.start()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_puts, args=(outbox, 100)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    going.join()
    assert [0] * 4 == [child.exitcode for child in children]
    assert 1 + 300 + 400 == outbox.waiting()


def test_an_open_outbox_is_no_burden_to_sqlite(outbox: Outbox, path: Path) -> None:
    """It is a plain SQLite file in WAL mode: whoever must can look at it."""
    outbox.put(row("{}"))
    with sqlite3.connect(path) as other:
        assert ("wal",) == other.execute("PRAGMA journal_mode").fetchone()
        assert [("{}",)] == other.execute("SELECT body FROM waiting").fetchall()
    other.close()
