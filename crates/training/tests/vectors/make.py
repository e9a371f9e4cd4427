"""Writes the vectors beside this file: what PyTorch and torchvision make of inputs that both sides can compute.

    python3 -m pip install torch==2.13.0 torchvision==0.28.0 && python3 make.py
"""

import json
import math
import pathlib
import random

import torch
import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.transforms import functional as T

torch.set_num_threads(1)


def numbers(shape, key):
    """Numbers in [-1/2, 1/2) that are a function of their place and a key, exactly the same in every language."""
    count = math.prod(shape)
    i = torch.arange(count, dtype=torch.int64)
    word = (i * 2654435761 + key * 40503 + 12345) % 2**32
    word = (word ^ (word >> 15)) * 73244475 % 2**32
    word = word ^ (word >> 13)
    return (word.double() / 2**32 - 0.5).float().reshape(shape)


def images(shape, key):
    return numbers(shape, key) + 0.5


def fill(model):
    """Gives every parameter and buffer values by its place in the order of names."""
    state = {name: t for name, t in model.state_dict().items() if "num_batches" not in name}
    for key, name in enumerate(sorted(state)):
        t = state[name]
        u = numbers(t.shape, key)
        if t.dim() > 1:
            value = u * (2 * math.sqrt(6 / t[0].numel()))
        elif name.endswith("running_var"):
            value = 1 + u
        elif name.endswith("weight"):
            value = 1 + 0.2 * u
        else:
            value = 0.2 * u
        t.copy_(value)


def resnet(width, imagenet):
    model = ResNet(BasicBlock, [2, 2, 2, 2])
    model.fc = torch.nn.Identity()
    if not imagenet:
        model.inplanes = width
        model.conv1 = torch.nn.Conv2d(3, width, 3, 1, 1, bias=False)
        model.bn1 = torch.nn.BatchNorm2d(width)
        model.maxpool = torch.nn.Identity()
        for stage in range(4):
            stride = 1 if stage == 0 else 2
            layer = model._make_layer(BasicBlock, width << stage, 2, stride=stride)
            setattr(model, f"layer{stage + 1}", layer)
    with torch.no_grad():
        fill(model)
    return model


def rounded(t):
    return [float(f"{x:.7g}") for x in t.flatten().tolist()]


def views():
    draw = random.Random(1)
    height, width = 12, 10
    x = images([12, 3, height, width], 1)
    x[3] = x[3, :1]  # without colour
    x[4] = 0.5
    x[5, 0] = x[5, 1]  # ties of two channels
    cases = []
    for i in range(12):
        h, w = draw.randint(1, height), draw.randint(1, width)
        if i == 0:
            h, w = height, width
        top, left = draw.randint(0, height - h), draw.randint(0, width - w)
        flip = draw.random() < 0.5
        view = T.resized_crop(x[i], top, left, h, w, [height, width], antialias=True)
        if flip:
            view = T.hflip(view)
        jitter = None
        if i != 1:
            order = ["brightness", "contrast", "saturation", "hue"]
            draw.shuffle(order)
            amounts = {name: draw.uniform(0.2, 1.8) for name in order[:]}
            amounts["hue"] = [draw.uniform(-0.2, 0.2), -0.5, 0.5, 0.0][0 if i < 8 else i - 8]
            changes = {
                "brightness": T.adjust_brightness,
                "contrast": T.adjust_contrast,
                "saturation": T.adjust_saturation,
                "hue": T.adjust_hue,
            }
            for name in order:
                view = changes[name](view, amounts[name])
            jitter = {"order": order, **amounts}
        gray = i in (2, 7)
        if gray:
            view = T.rgb_to_grayscale(view, 3)
        crop = [top, left, h, w]
        cases.append({"crop": crop, "flip": flip, "jitter": jitter, "grayscale": gray, "view": rounded(view)})
    return {"height": height, "width": width, "cases": cases}


def normalized(x):
    return (x - 0.5) / 0.5


def features():
    answers = {}
    for name, width, imagenet, side in [("cifar", 8, False, 32), ("imagenet", 64, True, 64)]:
        model = resnet(width, imagenet)
        x = normalized(images([2, 3, side, side], 2))
        with torch.no_grad():
            answers[name] = {"evaluate": rounded(model.eval()(x))}
            if not imagenet:
                answers[name]["train"] = rounded(model.train()(x))
                answers[name]["running_mean"] = rounded(model.bn1.running_mean)
                answers[name]["running_var"] = rounded(model.bn1.running_var)
    return answers


def attack_fgsm(model, X, y, epsilon):
    delta = torch.zeros_like(X, requires_grad=True)
    F.cross_entropy(model(X + delta), y).backward()
    return (X + epsilon * torch.sign(delta.grad)).clamp(0, 1) - X


def attack_pgd(model, X, y, epsilon, alpha, iterations, starts):
    """As described by Wong, Rice and Kolter (2020): steps only while the image is classified rightly."""
    worst, largest = torch.zeros_like(X), torch.zeros(len(y))
    for start in starts:
        delta = torch.min(torch.max(start * epsilon, 0 - X), 1 - X)
        for _ in range(iterations):
            delta = delta.detach().requires_grad_()
            output = model(X + delta)
            F.cross_entropy(output, y).backward()
            moved = torch.clamp(delta + alpha * torch.sign(delta.grad), -epsilon, epsilon)
            moved = torch.min(torch.max(moved, 0 - X), 1 - X)
            right = (output.argmax(1) == y)[:, None, None, None]
            delta = torch.where(right, moved, delta)
        with torch.no_grad():
            losses = F.cross_entropy(model(X + delta), y, reduction="none")
        better = losses >= largest
        worst[better] = delta.detach()[better]
        largest = torch.max(largest, losses)
    return worst


def attacks():
    encoder = resnet(8, False).eval()
    encoder.requires_grad_(False)
    weight, bias = 0.2 * numbers([10, 64], 3), 0.2 * numbers([10], 4)

    def model(x):
        return F.linear(encoder(normalized(x)), weight, bias)

    X = images([16, 3, 16, 16], 5)
    with torch.no_grad():
        scores = model(X)
    # Half of the images have the label that the classifier gives them.
    y = torch.where(torch.arange(16) % 2 == 0, scores.argmax(1), torch.arange(16) % 10)
    probe = numbers(X.shape[1:], 6)
    answers = {"labels": y.tolist()}
    deltas = {
        "fgsm": attack_fgsm(model, X, y, 0.03),
        "pgd": attack_pgd(model, X, y, 0.03, 0.01, 10, [2 * numbers(X.shape, 7), 2 * numbers(X.shape, 8)]),
    }
    for name, delta in deltas.items():
        with torch.no_grad():
            scores = model(X + delta)
        answers[name] = {
            "classes": scores.argmax(1).tolist(),
            "losses": rounded(F.cross_entropy(scores, y, reduction="none")),
            "projections": rounded((delta * probe).sum([1, 2, 3])),
        }
    return answers


def adam():
    answers = {}
    for name, decay in [("plain", 0.0), ("decay", 0.01)]:
        x = numbers([64], 9).requires_grad_()
        optimizer = torch.optim.Adam([x], lr=3e-4, weight_decay=decay)
        for step in range(100):
            # Sizes from 1e-6 to 1, so that epsilon is seen.
            x.grad = numbers([64], 100 + step) * torch.logspace(-6, 0, 64, dtype=torch.float64).float()
            optimizer.step()
        # Shortest digits that read back as the same f32.
        answers[name] = [float(repr(v)) for v in x.detach().double().tolist()]
    return answers


if __name__ == "__main__":
    answers = {"views": views(), "features": features(), "attacks": attacks(), "adam": adam()}
    path = pathlib.Path(__file__).with_name("pytorch.json")
    path.write_text(json.dumps(answers, separators=(",", ":")) + "\n")
