"""The content-addressed store."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.store import Store
from models.errors import ConversationError, PhotoError


def test_the_same_bytes_are_kept_once_under_their_hash(tmp_path: Path) -> None:
    store = Store(tmp_path / "blobs")
    with ThreadPoolExecutor(8) as pool:
        shas = set(pool.map(lambda _: store.put(b"picture", ".png"), range(40)))
    assert shas == {hashlib.sha256(b"picture").hexdigest()}
    path = store.path(shas.pop())
    assert path.read_bytes() == b"picture"
    assert path.suffix == ".png"
    assert [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()] == [path]


def test_a_file_is_copied_and_the_original_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "my photo.JPG"
    source.write_bytes(b"x" * 3_000_000)
    source.chmod(0o400)
    store = Store(tmp_path / "blobs")
    sha = store.put_file(source, limit=4_000_000)
    assert sha == hashlib.sha256(source.read_bytes()).hexdigest()
    assert store.path(sha).suffix == ".jpg"
    assert source.stat().st_mode & 0o777 == 0o400


def test_what_is_no_photo_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "blobs")
    big = tmp_path / "big.png"
    big.write_bytes(b"x" * 2_000_000)
    for path, says in ((tmp_path, "a folder"), (tmp_path / "no.jpg", "not there"), (big, "larger than 1 MB")):
        with pytest.raises(PhotoError, match=says):
            store.put_file(path, limit=1 << 20)
    assert not [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()]


@pytest.mark.parametrize("sha", ["", "../../etc/passwd", "f" * 64, "*", "F" * 64])
def test_an_unknown_blob_is_an_error_and_never_a_path(tmp_path: Path, sha: str) -> None:
    store = Store(tmp_path)
    store.put(b"x", ".png")
    assert sha not in store
    with pytest.raises(ConversationError):
        store.path(sha)


def test_collect_deletes_only_what_is_old_and_not_referred_to(tmp_path: Path) -> None:
    store = Store(tmp_path / "blobs")
    kept, dropped = store.put(b"kept", ".png"), store.put(b"dropped!", ".png")
    assert store.collect({kept}) == 0
    assert store.collect({kept}, older_than=-1) == len(b"dropped!")
    assert kept in store
    assert dropped not in store
