"""``voxrack lab``: notebooks are copied to where one works, and nothing that is there is ever replaced."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from command_line import done, run

from voxrack import lab_folder
from voxrack.lab_folder import copy_notebooks, notebooks

NAMES = list(notebooks())


def copy(folder: Path) -> dict:
    return json.loads(done("lab", folder, "--copy-only", "--json").stdout)


def test_all_notebooks_are_copied_as_they_are(tmp_path):
    told = copy(tmp_path / "new folder")
    assert (told["new"], told["same"], told["kept"]) == (NAMES, [], [])
    assert told["folder"] == str(tmp_path / "new folder")
    for name, source in notebooks().items():
        assert (tmp_path / "new folder" / name).read_bytes() == source.read_bytes()
    assert sorted(path.name for path in (tmp_path / "new folder").iterdir()) == NAMES  # and nothing is left over


def test_the_working_folder_is_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = done("lab", "--copy-only").stderr
    assert "copied into the working folder: 01_rack.ipynb" in told
    assert (tmp_path / "01_rack.ipynb").is_file()


def test_a_file_of_the_users_stays_as_it_is(tmp_path):
    copy(tmp_path)
    own = tmp_path / NAMES[0]
    own.write_text("mine")
    (tmp_path / NAMES[1]).unlink()
    told = copy(tmp_path)
    assert (told["new"], told["kept"]) == ([NAMES[1]], [NAMES[0]])
    assert told["same"] == NAMES[2:]
    assert own.read_text() == "mine"
    assert f"{own} is yours and stays as it is" in done("lab", tmp_path, "--copy-only").stderr


def test_a_folder_or_a_dangling_link_of_that_name_stays_too(tmp_path):
    (tmp_path / NAMES[0]).mkdir()
    (tmp_path / NAMES[1]).symlink_to(tmp_path / "nowhere")
    assert set(copy(tmp_path)["kept"]) == {NAMES[0], NAMES[1]}
    assert not (tmp_path / "nowhere").exists()


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(lab_folder.os, "link", refuse)
    (tmp_path / NAMES[0]).write_text("mine")
    copied = copy_notebooks(tmp_path)
    assert copied.kept == (NAMES[0],)
    assert copied.new == tuple(NAMES[1:])
    assert (tmp_path / NAMES[0]).read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    result = run("lab", tmp_path / "file" / "below", "--copy-only")
    assert result.exit_code == 1
    assert "is a file, not a folder" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    tmp_path.chmod(0o500)
    result = run("lab", tmp_path, "--copy-only")
    tmp_path.chmod(0o700)
    assert result.exit_code == 1
    assert "you may not write into" in result.stderr


def test_an_unknown_notebook_names_those_there_are(tmp_path):
    result = run("lab", tmp_path, "--notebook", "08_dance")
    assert result.exit_code == 2
    assert "there is no notebook '08_dance'; there are 01_rack" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_jupyterlab_the_command_that_brings_it_is_told(tmp_path, monkeypatch):
    from voxrack import availability

    monkeypatch.setattr(availability, "importable", lambda module: module != "jupyterlab")
    result = run("lab", tmp_path)
    assert result.exit_code == 2
    assert "pip install 'voxrack[notebook]'" in result.stderr
    assert list(tmp_path.iterdir()) == []
