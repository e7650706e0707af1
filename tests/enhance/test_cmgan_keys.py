"""Checkpoints of the authors' code: every key arrives, nothing is unpickled, and what is no checkpoint is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from enhance.cmgan_bench import saved, small, theirs
from safetensors.torch import save_file

from voxrack import weights
from voxrack.errors import InputError
from voxrack_enhance.cmgan.generator import Generator
from voxrack_enhance.cmgan.keys import our_name
from voxrack_enhance.cmgan.loading import load_generator, main


def same(one: Generator, other: Generator) -> None:
    mine, yours = one.state_dict(), other.state_dict()
    assert mine.keys() == yours.keys()
    assert all(torch.equal(mine[key], yours[key]) for key in mine)


def test_every_key_of_a_published_checkpoint_has_its_place():
    generator = small(blocks=2)
    found = {our_name(key): tensor for key, tensor in theirs(generator).items()}
    state = generator.state_dict()
    assert found.keys() == state.keys() and len(found) == len(theirs(generator))
    assert all(torch.equal(found[key], state[key]) for key in state)
    assert our_name("module.TSCB_2.freq_conformer.attn.fn.rel_pos_emb.weight") == (
        "blocks.1.frequency.attention.distance.weight"
    )


@pytest.mark.parametrize("wrapped", [lambda s: s, lambda s: {"model": s, "epoch": 3}, lambda s: {"state_dict": s}])
def test_archives_of_torch_are_read(tmp_path, wrapped):
    generator = small(12, 2)
    torch.save(wrapped(theirs(generator)), tmp_path / "ckpt")
    same(load_generator(tmp_path / "ckpt"), generator)
    assert load_generator(tmp_path / "ckpt").options["width"] == 12


def test_checkpoints_of_several_gpus_and_safetensors_are_read(tmp_path):
    generator = small()
    torch.save({f"module.{key}": tensor for key, tensor in theirs(generator).items()}, tmp_path / "ddp.pt")
    save_file({key: tensor.clone() for key, tensor in theirs(generator).items()}, tmp_path / "theirs.safetensors")
    same(load_generator(tmp_path / "ddp.pt"), generator)
    same(load_generator(tmp_path / "theirs.safetensors"), generator)


def test_our_own_weights_and_run_folders_are_read(tmp_path):
    path = saved(tmp_path)
    same(load_generator(path), small())
    (tmp_path / "run").mkdir()
    path.rename(tmp_path / "run" / "model.safetensors")
    same(load_generator(tmp_path / "run"), small())


def test_the_command_converts(tmp_path, capsys):
    torch.save(theirs(small()), tmp_path / "ckpt")
    target = tmp_path / "out.safetensors"
    main([str(tmp_path / "ckpt"), "-o", str(target)])
    assert "width 8, 1 blocks" in capsys.readouterr().out
    same(load_generator(target), small())
    assert weights.load(target).metadata["training"]["from"] == "ckpt"
    with pytest.raises(SystemExit, match="none"):
        main([str(tmp_path / "none"), "-o", str(target)])


# ---- refusals --------------------------------------------------------------------------------
class Evil:
    """Would leave a file behind where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def test_code_in_an_archive_is_not_run(tmp_path):
    mark = tmp_path / "was_here"
    torch.save({**theirs(small()), "extra": Evil(mark)}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="more than tensors"):
        load_generator(tmp_path / "evil.pt")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Evil(mark)))
    with pytest.raises(InputError, match="not opened"):
        load_generator(tmp_path / "evil.pkl")
    assert not mark.exists()
    pickle.loads((tmp_path / "evil.pkl").read_bytes())
    assert mark.exists()  # and so it would have been noticed


def test_other_files_are_refused_by_name(tmp_path):
    state = theirs(small())

    def refused(name: str, found: Any, match: str) -> None:
        torch.save(found, tmp_path / name)
        with pytest.raises(InputError, match=match) as caught:
            load_generator(tmp_path / name)
        assert name in str(caught.value)

    refused("other.pt", {"dense_encoder.conv_9.0.weight": torch.zeros(1)}, "no part of CMGAN")
    refused("half.pt", {key: value for key, value in state.items() if "TSCB" not in key}, "lacks parts")
    gone = {key: value for key, value in state.items() if "post_norm" not in key}
    refused("gone.pt", gone, "do not fit")
    refused("shape.pt", {**state, "complex_decoder.conv.bias": torch.zeros(3)}, "do not fit")
    refused("list.pt", [torch.zeros(1)], "no dictionary of tensors")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "gone.pt").read_bytes()[:3000])
    with pytest.raises(InputError, match="damaged"):
        load_generator(tmp_path / "cut.pt")
    (tmp_path / "lfs").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputError, match="git lfs pull"):
        load_generator(tmp_path / "lfs")
    with pytest.raises(InputError, match="does not exist"):
        load_generator(tmp_path / "missing.safetensors")


def test_weights_of_another_device_are_refused(tmp_path):
    path = tmp_path / "light.safetensors"
    weights.save(path, small().state_dict(), {"device": "enhance.light", "options": {}})
    with pytest.raises(InputError, match=r"weights of enhance\.light, not of enhance\.cmgan"):
        load_generator(path)
