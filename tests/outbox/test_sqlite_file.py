"""The file of SQLiteOutbox: whose it is, what else may lie there, and a disk that is full."""

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess

import pytest
from marker_hook import raises
from records import ROUTES, changed, drain, in_child, record, records

import tiktok_events as tt


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB; calling it with other options remounts it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a disk may not be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def remount(disk, options):
    """Change the disk while it is in use."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_making_one_touches_nothing(path, make):
    """The file is made when it is first needed, so that a process may fork before; its folder is not made."""
    make()
    assert not path.exists()
    nowhere = make(path.parent / "missing" / "outbox.db")

    with raises(tt.OutboxUnavailable, match="its folder is missing") as caught:
        nowhere.put(records(1))
    assert str(path.parent) not in str(caught.value)
    assert caught.value.retryable


@pytest.mark.parametrize("umask", [0, 0o022, 0o777], ids=oct)
def test_only_its_owner_may_read_it(path, make, umask):
    """Whatever the umask: the file, the log beside it and the shared memory."""
    before = os.umask(umask)
    try:
        outbox = make()
        outbox.put(records(3))
        outbox.depth()
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"outbox.db": 0o600, "outbox.db-wal": 0o600, "outbox.db-shm": 0o600}


def test_rights_that_somebody_gave_stay(path, make):
    """So a group can share it: the log gets the rights of the file."""
    path.touch()
    path.chmod(0o660)
    make().put(records(1))

    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o660}


def test_a_relative_path_stays_where_it_was(tmp_path, make, monkeypatch):
    """Wherever the process goes later."""
    monkeypatch.chdir(tmp_path)
    outbox = make("outbox.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    outbox.put(records(1))

    assert (tmp_path / "outbox.db").exists()


@pytest.mark.parametrize("name", ["a b?c#d%20.db", "ünï.db", "mode=ro&.db"])
def test_any_name_will_do(tmp_path, make, name):
    """Also one that means something in a URI."""
    make(tmp_path / name).put(records(1))

    assert name in {one.name for one in tmp_path.iterdir()}
    assert len(drain(make(tmp_path / name))) == 1


@pytest.mark.parametrize(
    "settings", [{"commit": "never"}, {"synchronous": "OFF"}, {"path": ""}, {"path": ":memory:"}, {"path": "/"}]
)
def test_mistakes_are_told_at_once(settings):
    """Before anything is opened."""
    with raises(ValueError, match="must"):
        tt.SQLiteOutbox(**{"path": "outbox.db", **settings})


def test_a_repr_names_no_folder(path, make):
    """A home folder tells whose it is."""
    assert repr(make()) == "SQLiteOutbox('outbox.db')"


def text(path):
    path.write_bytes(b"no database at all, but long enough to look like something\n" * 90)


def foreign(path):
    changed(path, "CREATE TABLE theirs (a)")


def foreign_version(path):
    changed(path, "PRAGMA user_version = 3")


def newer(path):
    with contextlib.closing(tt.SQLiteOutbox(path)) as outbox:
        outbox.put(records(1))
    changed(path, "PRAGMA user_version = 99")


def link(path):
    (path.parent / "target.db").touch()
    path.symlink_to("target.db")


def dangling(path):
    path.symlink_to("nowhere")


def folder(path):
    path.mkdir()


@pytest.mark.parametrize(
    ("lies_there", "told"),
    [
        (text, "is not an SQLite file"),
        (foreign, "belongs to another program"),
        (foreign_version, "belongs to another program"),
        (newer, "was written by a newer tiktok-events"),
        (link, "is a symbolic link"),
        (dangling, "is a symbolic link"),
        (folder, "is not a regular file"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_is_no_outbox_is_left_alone(path, make, lies_there, told):
    """Nothing is written into it, and waiting does not help."""
    lies_there(path)
    before = path.read_bytes() if path.is_file() else None
    outbox = make()
    for use in (lambda: outbox.put(records(1)), outbox.depth, lambda: drain(outbox)):
        with raises(tt.ConfigurationError, match=told) as caught:
            use()
        assert str(path.parent) not in str(caught.value)
        assert not caught.value.retryable

    assert (path.read_bytes() if path.is_file() else None) == before
    assert not (path.parent / "nowhere").exists()


def test_an_empty_file_becomes_one(path, make):
    """As somebody makes it who wants other rights than 0600."""
    path.touch()
    make().put(records(2))

    assert drain(make()) == ["e0", "e1"]


def test_a_damaged_file_is_said_to_be(path, make):
    """It may be moved away while nobody uses it; then there is a new one."""
    outbox = make()
    outbox.put(records(200))
    outbox.close()
    bytes_ = bytearray(path.read_bytes())
    bytes_[4096:] = b"\xff" * (len(bytes_) - 4096)
    path.write_bytes(bytes_)
    with raises(tt.OutboxUnavailable, match="damaged"):
        outbox.put(records(1))

    outbox.close()
    path.rename(path.with_name("damaged.db"))
    outbox.put([record(7)])
    assert drain(outbox) == ["e7"]


def test_rights_that_are_missing_are_told(path, make):
    """Another user may neither make it nor write it, and hears so without a path."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    make().put(records(1))
    make(path.parent / "readable.db").put(records(1))
    (path.parent / "readable.db").chmod(0o444)
    for one in (path.parent, *path.parents[1:4]):
        one.chmod(one.stat().st_mode | 0o055)

    def tell():
        os.setuid(65534)
        told = []
        for name in ("outbox.db", "readable.db", "new.db"):
            try:
                tt.SQLiteOutbox(path.parent / name).put(records(1))
            except tt.OutboxUnavailable as error:
                told.append(str(error))
        return told

    closed, readable, new = in_child(tell)
    assert "SQLITE_CANTOPEN" in closed
    assert "SQLITE_READONLY" in readable or "SQLITE_CANTOPEN" in readable
    assert new == "the outbox's file cannot be created: Permission denied"
    assert str(path.parent) not in closed + readable + new


def test_it_grows_to_so_many_bytes(path, make):
    """Then it is full; what was delivered makes room again, and delivering needs none."""
    outbox = make(max_bytes=400_000)
    put = 0
    with raises(tt.OutboxFull, match="bytes"):
        for put in range(1_000):
            outbox.put([record(put, data=b"x" * 3_000)])
    with raises(tt.OutboxFull):
        outbox.put([record(n, data=b"x" * 3_000) for n in range(9)])
    assert 50 < put < 140
    assert outbox.depth() == put

    claims = outbox.claim(1_000, lease=30, routes=ROUTES)
    outbox.nack(claims, delay=0, reason="x")
    claims = outbox.claim(1_000, lease=30, routes=ROUTES)
    outbox.dead_letter(claims[:1], reason="x")
    outbox.ack(claims[1:])
    assert outbox.depth() == 0
    for number in range(put // 2):
        outbox.put([record(number, data=b"x" * 3_000)])
    outbox.close()
    assert path.stat().st_size <= 500_000


def test_a_full_disk_is_told_and_nothing_is_lost(small_disk, make):
    """What was accepted is there, what was not is not; with room again it goes on by itself."""
    outbox = make(small_disk / "outbox.db")
    accepted = []
    with raises(tt.OutboxUnavailable, match="disk is full") as caught:
        for number in range(2_000):
            outbox.put([record(number, data=b"x" * 2_000)])
            accepted.append(f"e{number}")
    assert len(accepted) > 100
    assert caught.value.retryable
    with raises(tt.OutboxUnavailable, match="disk is full"):
        outbox.put([record("many", data=b"x" * 2_000) for _ in range(50)])

    remount(small_disk, "size=16m")
    outbox.put([record("later")])
    assert drain(outbox) == [*accepted, "elater"]
    assert drain(make(small_disk / "outbox.db")) == []


def test_a_disk_that_was_full_from_the_start(small_disk, make):
    """No half-made file is in the way later."""
    (small_disk / "filler").write_bytes(b"x" * 1_044_000)
    outbox = make(small_disk / "outbox.db")
    for _ in range(3):
        with raises(tt.OutboxUnavailable, match=r"disk is full|SQLITE_IOERR"):
            outbox.put(records(40))

    (small_disk / "filler").unlink()
    outbox.put(records(40))
    assert len(drain(outbox)) == 40


def test_a_disk_that_cannot_be_written(small_disk, make):
    """While it is read-only nothing is taken; afterwards it goes on."""
    outbox = make(small_disk / "outbox.db")
    outbox.put([record(0)])
    outbox.close()
    remount(small_disk, "ro")
    with raises(tt.OutboxUnavailable, match="SQLITE_"):
        outbox.put([record(1)])

    remount(small_disk, "rw")
    outbox.put([record(2)])
    assert drain(outbox) == ["e0", "e2"]


def test_column_names_do_not_change(path, make):
    """Tables keep the column names of the first version, because files written by it are read and written."""
    make().put(records(1))

    with contextlib.closing(sqlite3.connect(path)) as file:
        tables = ("lease", "leased", "later")
        columns = [
            file.execute(f"SELECT group_concat(name) FROM pragma_table_info('{one}')").fetchone()[0] for one in tables
        ]
    assert columns == ["id,route,holder,until", "lease,id,attempts,abandoned", "route,due,id,attempts,abandoned"]
