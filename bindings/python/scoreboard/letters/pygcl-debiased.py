import inspect
import math
import torch
import GCL.losses.infonce as published
from GCL.losses import DebiasedInfoNCE, HardnessInfoNCE
from GCL.models import DualBranchContrast

torch.manual_seed(0)
h1, h2 = (torch.nn.functional.normalize(torch.randn(5, 8, dtype=torch.float64)) for _ in range(2))
t, tau_plus = 0.5, 0.1
for loss in (DebiasedInfoNCE(t, tau_plus), HardnessInfoNCE(t, tau_plus, beta=1.0)):
    try:
        print(DualBranchContrast(loss, mode="L2L", intraview_negs=True)(h1=h1, h2=h2))
    except IndexError as error:
        print(f"{type(loss).__name__}: IndexError: {error}")

source = inspect.getsource(published).replace("from .losses", "from GCL.losses.losses")
for before, after in [
    ("(pos + ng).sum(dim=1, keepdim=True)", "(pos + ng).unsqueeze(1)"),
    ("num_neg = neg_mask.int().sum()", "num_neg = neg_mask.int().sum(dim=1)"),
    ("torch.clamp(ng, min=num_neg * np.e ** (-1. / self.tau))", "torch.maximum(ng, num_neg * np.e ** (-1. / self.tau))"),
    ("        return loss.mean()", "        return -loss.mean()"),
    ("imp = torch.exp(self.beta * (sim * neg_mask))", "imp = torch.exp(self.beta * sim) * neg_mask"),
    ("imp.mean(dim=1)", "(imp.sum(dim=1) / neg_mask.sum(dim=1))"),
]:
    assert before in source
    source = source.replace(before, after)
mended = {}
exec(source, mended)


def formula(a, b, i, beta):
    positive = math.exp(a[i] @ b[i] / t)
    negatives = [math.exp(a[i] @ row / t) for view in (a, b) for j, row in enumerate(view) if j != i]
    weights = [h**beta for h in negatives]
    hard = len(negatives) * sum(w * h for w, h in zip(weights, negatives)) / sum(weights)
    ng = max((hard - len(negatives) * tau_plus * positive) / (1 - tau_plus), len(negatives) * math.exp(-1 / t))
    return -math.log(positive / (positive + ng)) / 10


one, zero = torch.eye(5), torch.zeros(5, 5)
for name, parameters, beta in (("DebiasedInfoNCE", (t, tau_plus), 0.0), ("HardnessInfoNCE", (t, tau_plus, 1.0), 1.0)):
    loss = mended[name](*parameters)
    found = sum(
        loss.compute(a, torch.cat([b, a]), torch.cat([one, zero], 1), torch.cat([1 - one, 1 - one], 1)) / 2
        for a, b in ((h1, h2), (h2, h1))
    )
    print(
        f"{name}, mended: {found:.9f}; by the formula {sum(formula(a, b, i, beta) for a, b in ((h1, h2), (h2, h1)) for i in range(5)):.9f}"
    )
