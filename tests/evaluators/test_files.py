"""Files that are written whole."""

import os

import pytest

from evaluators.files import write_bytes


@pytest.mark.parametrize("name", ["a.txt", "x" * 255, "日" * 85])
def test_a_file_is_written_whole_whatever_the_length_of_its_name(tmp_path, name):
    path = tmp_path / "new" / name
    for content in (b"first", b"second"):
        write_bytes(path, content)
        assert path.read_bytes() == content
    assert os.listdir(path.parent) == [name]
