"""The model file on disk is a cache that can be lost, spoilt or impossible."""

import hashlib
from pathlib import Path

from predict.model.loading import ModelFiles

CONTENT = b"a model"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_a_kept_file_is_found_by_its_digest(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path / "not" / "yet")
    files.keep(DIGEST, CONTENT)

    assert files.find(DIGEST) == CONTENT


def test_a_file_that_was_changed_on_disk_is_not_found(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path)
    files.keep(DIGEST, CONTENT)
    next(tmp_path.iterdir()).write_bytes(b"something else")

    assert files.find(DIGEST) is None


def test_only_the_newest_file_stays_on_the_disk(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path)
    files.keep(hashlib.sha256(b"old").hexdigest(), b"old")
    files.keep(DIGEST, CONTENT)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [CONTENT]


def test_a_directory_that_cannot_be_made_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, where the directory should be")
    files = ModelFiles(tmp_path / "taken")

    files.keep(DIGEST, CONTENT)

    assert files.find(DIGEST) is None
