"""An encoder that was trained here, in a PyTorch model of the same form."""

import json
import os
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn

PROGRAM = os.environ.get("INTNACL_TRAINING", "")
SIDE, WIDTH = 32, 4


def block(channels, out, stride):
    block = nn.Module()
    block.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
    block.bn1 = nn.BatchNorm2d(out)
    block.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
    block.bn2 = nn.BatchNorm2d(out)
    block.downsample = None
    if stride != 1 or channels != out:
        around = nn.Conv2d(channels, out, 1, stride, bias=False)
        block.downsample = nn.Sequential(around, nn.BatchNorm2d(out))
    return block


class ResNet(nn.Module):
    """ResNet-18 with a stem of 3×3 pixels and without maximum, under torchvision's names."""

    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage in range(4):
            out = width << stage
            first = block(channels, out, 1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, block(out, out, 1)))
            channels = out

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                inner = block.bn1(block.conv1(x)).relu()
                inner = block.bn2(block.conv2(inner))
                x = (inner + (block.downsample(x) if block.downsample else x)).relu()
        return x.mean((2, 3))


def read_safetensors(path):
    """The tensors of a file: its header's length, its header as JSON, the tensors' bytes."""
    contents = path.read_bytes()
    start = 8 + int.from_bytes(contents[:8], "little")
    header = json.loads(contents[8:start])
    header.pop("__metadata__", None)
    kinds = {"F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        array = np.frombuffer(contents[begin:end], kinds[entry["dtype"]])
        tensors[name] = torch.from_numpy(array.reshape(entry["shape"]).copy())
    return tensors


def records(path, count, draw):
    """Images as CIFAR-10 has them, each class with a brightness of its own; those alone, in [0, 1]."""
    images = bytearray()
    for number in range(count):
        label = number % 10
        pixels = bytes(min(255, 20 * label + draw.randrange(64)) for _ in range(3 * SIDE * SIDE))
        images += bytes([label]) + pixels
    path.write_bytes(images)
    rows = np.frombuffer(bytes(images), np.uint8).reshape(count, -1)[:, 1:]
    return torch.from_numpy(rows.reshape(count, 3, SIDE, SIDE).astype(np.float32) / 255)


@pytest.mark.skipif(not Path(PROGRAM).is_file(), reason="INTNACL_TRAINING names no program: build it by `cargo test`")
def test_a_trained_encoder_has_the_same_features_in_pytorch(tmp_path, law_seed):
    draw = random.Random(law_seed)
    records(tmp_path / "train.bin", 60, draw)
    images = records(tmp_path / "test.bin", 30, draw)

    def run(*words):
        command = [PROGRAM, "--threads", "1", *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    preset = draw.choice(["simclr", "adv", "nca-g2-m2"])
    run("train", "--data", "cifar10:train.bin,test.bin", "--preset", preset, "--width", WIDTH / 64,
        "--batch", 20, "--epochs", 2, "--seed", law_seed, "--out", "run")
    run("evaluate", "run", "--embeddings", "test.safetensors", "--iterations", 1)
    ours = read_safetensors(tmp_path / "test.safetensors")
    assert ours["labels"].tolist() == [number % 10 for number in range(30)]

    model = ResNet(WIDTH)
    model.load_state_dict(read_safetensors(tmp_path / "run/encoder.safetensors"), strict=True)
    head = nn.Sequential(nn.Linear(8 * WIDTH, 8 * WIDTH), nn.ReLU(), nn.Linear(8 * WIDTH, 64))
    checkpoint = read_safetensors(tmp_path / "run/checkpoint.safetensors")
    names = {name: f"projector.{name}" for name in head.state_dict()}
    head.load_state_dict({name: checkpoint[kept] for name, kept in names.items()}, strict=True)
    with torch.no_grad():
        features = model.eval()((images - 0.5) / 0.5)
        embeddings = head(features)
    # Twenty layers in f32, as in the test from the other side.
    for theirs, name in [(features, "features"), (embeddings, "embeddings")]:
        assert (theirs - ours[name]).abs().max() < 2e-5 * max(1.0, theirs.abs().max()), name
        assert theirs.std(0).max() > 1e-3, "images that all look alike show nothing"
