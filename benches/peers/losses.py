"""The losses as one writes them in PyTorch, and a loop that evaluates and times them on request.

Scores of all pairs in one matrix, masks that are made once and kept, autograd for the rest: what training code
looks like. `torch_compile` is the same functions through `torch.compile`, for fixed shapes.

Requests are lines of JSON on standard input, each answered by one line on standard output; arrays follow their
line as little-endian f32. The process waits in a read in between, so it takes no time from what is measured
elsewhere meanwhile. It ends when its input does.
"""

import gc
import json
import os
import sys
import time

import torch
import torch.nn.functional as F


class Pair:
    """Two views of the same images: rows 0..B are one, rows B..2B the other. Each row is an anchor."""

    def __init__(self, images, temperature, device):
        self.images = images
        self.temperature = temperature
        self.negatives = 2 * (images - 1)
        image = torch.arange(images, device=device).repeat(2)
        self.same_image = image[:, None] == image[None, :]
        self.itself = torch.eye(2 * images, dtype=torch.bool, device=device)
        self.partner = torch.arange(2 * images, device=device).roll(images)

    def scores(self, rows):
        return rows @ rows.T / self.temperature

    def positive_scores(self, rows):
        """Of each row with the same image in the other view, [2B]."""
        return (rows * rows.roll(self.images, 0)).sum(1) / self.temperature

    def cross_entropy(self, rows):
        """NT-Xent: among all other rows, the partner is the right class. [2B]"""
        scores = self.scores(rows).masked_fill(self.itself, float("-inf"))
        return F.cross_entropy(scores, self.partner, reduction="none")

    def negative_mass(self, rows, estimator):
        """N·G of each row, [2B]."""
        scores = self.scores(rows).masked_fill(self.same_image, float("-inf"))
        kernels = scores.exp()
        name = estimator["estimator"]
        if name == "g0":
            return kernels.sum(1)
        if name == "g1":
            mean = kernels.sum(1) / self.negatives
        else:
            hardness = (estimator["beta"] * scores).exp()
            mean = (hardness * kernels).sum(1) / hardness.sum(1)
        tau = estimator["tau_plus"]
        positive = self.positive_scores(rows).exp()
        mean = (mean - tau * positive) / (1 - tau)
        # The least that a kernel can be.
        mean = mean.clamp(min=torch.e ** (-1 / self.temperature))
        return self.negatives * mean

    def contrast(self, rows, estimator):
        """The loss of each row with its one positive, [2B]."""
        if estimator["estimator"] == "g0":
            return self.cross_entropy(rows)
        return ratio(self.positive_scores(rows).exp(), self.negative_mass(rows, estimator))


def ratio(positive, negative):
    return -torch.log(positive / (positive + negative))


G0 = {"estimator": "g0"}


class Step:
    """One loss of one batch. `loss` and `parameters` are named as in requests; see notes/requests.md."""

    def __init__(self, loss, parameters, temperature, images, device):
        self.loss = loss
        self.parameters = parameters
        self.temperature = temperature
        self.pair = Pair(images, temperature, device)

    def value(self, views, mixed=None, adversarial=None):
        views = F.normalize(views, dim=-1)
        rows = views[:2].flatten(0, 1)
        of, pair = self.parameters, self.pair
        if self.loss == "simclr":
            return pair.cross_entropy(rows).mean()
        if self.loss == "debiased":
            return pair.contrast(rows, {"estimator": "g1", **of}).mean()
        if self.loss == "hard_negative":
            return pair.contrast(rows, {"estimator": "g2", **of}).mean()
        if self.loss == "nca":
            return self.nca(views, rows, pair.negative_mass(rows, of["negatives"])).mean()
        if self.loss == "mix_nca":
            mass = pair.negative_mass(rows, of["negatives"])
            single = ratio(pair.positive_scores(rows).exp(), mass)
            return single.mean() + self.mixed_terms(views, mixed, mass)

        attacked = torch.cat([views[0], F.normalize(adversarial, dim=-1)])
        if self.loss == "adversarial":
            return pair.cross_entropy(rows).mean() + of["alpha"] * pair.cross_entropy(attacked).mean()
        if self.loss == "robust":
            weight = pair.contrast(rows, of["weight_negatives"])
            return self.robust(attacked, of["negatives"], weight)
        if self.loss == "int_cl":
            single = pair.contrast(rows, of["negatives"])
            return single.mean() + of["alpha"] * self.robust(attacked, of["robust"]["negatives"], single)
        if self.loss == "int_nacl":
            mass = pair.negative_mass(rows, of["negatives"])
            single = ratio(pair.positive_scores(rows).exp(), mass)
            total = self.nca(views, rows, mass).mean()
            if of["neighborhood"] == "combined":
                total = total + self.mixed_terms(views, mixed, mass)
            return total + of["alpha"] * self.robust(attacked, of["robust"]["negatives"], single)
        raise ValueError(f"there is no loss {self.loss!r} here")

    def nca(self, views, rows, mass):
        """All other views of an image are its positives, [2B]."""
        positive = self.pair.positive_scores(rows).exp()
        if len(views) > 2:
            further = (views[:2, None] * views[None, 2:]).sum(-1) / self.temperature
            positive = positive + further.exp().sum(1).flatten()
        return ratio(positive, mass)

    def mixed_terms(self, views, mixed, mass):
        """The anchors are view 0; the mean over images."""
        kernels = ((views[0] * F.normalize(mixed, dim=-1)).sum(-1) / self.temperature).exp()
        share = kernels / (kernels + mass[: self.pair.images])
        lam = self.parameters["lambda"]
        terms = lam * torch.log(share) + (1 - lam) * torch.log(1 - share)
        return -terms.mean(0).mean()

    def robust(self, attacked, negatives, weight):
        """`weight` is the clean loss of both anchors of an image: their mean counts, as a constant."""
        weight = weight.detach().view(2, -1).mean(0).repeat(2)
        return (weight * self.pair.contrast(attacked, negatives)).mean()


class Program:
    """What is loaded, and the answers to requests."""

    def __init__(self):
        self.inputs = []
        self.functions = {}
        self.device = torch.device("cpu")

    def hello(self, request):
        threads = request.get("threads")
        if threads:
            torch.set_num_threads(threads)
        return {"torch": torch.__version__, "threads": torch.get_num_threads()}, b""

    def load(self, request):
        """A loss and its inputs. A function is compiled when it first runs."""
        if "torch_compile" in self.functions:
            # Code and guards of the case before.
            torch._dynamo.reset()
        self.inputs, self.functions = [], {}
        gc.collect()
        self.device = torch.device(request["device"])
        named = {}
        for array in request["arrays"]:
            count = 1
            for length in array["shape"]:
                count *= length
            bytes_ = bytearray(read(4 * count))
            tensor = torch.frombuffer(bytes_, dtype=torch.float32).reshape(array["shape"])
            named[array["name"]] = tensor.to(self.device, copy=True).requires_grad_()
        images = named["views"].shape[1]
        step = Step(request["loss"], request["parameters"], request["temperature"], images, self.device)
        self.inputs = list(named.values())
        names = list(named)

        def evaluate(*tensors):
            return step.value(**dict(zip(names, tensors)))

        self.functions = {"torch_eager": evaluate}
        return {}, b""

    def run(self, implementation):
        if implementation == "torch_compile" and implementation not in self.functions:
            # Not before it is asked for: to bring the compiler in takes seconds.
            eager = self.functions["torch_eager"]
            self.functions[implementation] = torch.compile(eager, dynamic=False, fullgraph=True)
        value = self.functions[implementation](*self.inputs)
        return value, torch.autograd.grad(value, self.inputs)

    def answer(self, request):
        """The value, and the gradient by every input."""
        value, gradients = self.run(request["implementation"])
        arrays = b"".join(bytes(gradient.cpu().contiguous().untyped_storage()) for gradient in gradients)
        return {"value": value.item(), "bytes": len(arrays)}, arrays

    def time(self, request):
        """Seconds of each of a few calls, after one that only wakes the threads if that is asked for."""
        if request["wake"]:
            self.run(request["implementation"])
        seconds = []
        gc.disable()
        for _ in range(request["calls"]):
            self.synchronize()
            start = time.perf_counter()
            self.run(request["implementation"])
            self.synchronize()
            seconds.append(time.perf_counter() - start)
        gc.enable()
        return {"seconds": seconds}, b""

    def peak(self, request):
        """The most memory that one call takes above what there was before it, in bytes."""
        # Compiling takes memory of its own, so the first call does not count.
        self.run(request["implementation"])
        gc.collect()
        if self.device.type == "cuda":
            self.synchronize()
            torch.cuda.reset_peak_memory_stats(self.device)
            before = torch.cuda.memory_allocated(self.device)
            self.run(request["implementation"])
            self.synchronize()
            return {"bytes_above": torch.cuda.max_memory_allocated(self.device) - before}, b""
        before = resident_memory()
        self.run(request["implementation"])
        after = peak_memory()
        return {"bytes_above": after - before if before is not None and after is not None else None}, b""

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def resident_memory():
    """What the process holds now, the mark of the most it held set back to it; None where Linux does not tell."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return None
    return status("VmRSS:")


def peak_memory():
    return status("VmHWM:")


def status(field):
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(field):
                    return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return None


def read(count):
    bytes_ = sys.stdin.buffer.read(count)
    if len(bytes_) < count:
        sys.exit(0)
    return bytes_


def main():
    # Whatever a library prints goes to standard error, so that the answers stay lines of their own.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    program = Program()
    commands = {name: getattr(program, name) for name in ("hello", "load", "answer", "time", "peak")}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        arrays = b""
        try:
            answer, arrays = commands[request["do"]](request)
        except Exception as error:
            # One line: the rest is for people who debug this file.
            text = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
        answers.write(json.dumps(answer).encode() + b"\n" + arrays)
        answers.flush()


if __name__ == "__main__":
    main()
