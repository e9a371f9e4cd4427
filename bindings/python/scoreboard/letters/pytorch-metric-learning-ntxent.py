import math
import torch
from pytorch_metric_learning.losses.ntxent_loss import NTXentLoss

labels = torch.tensor([0, 1, 0, 1])
for t in (0.07, 0.02, 0.01, 0.005):
    # The second views are orthogonal to the first: the positive has cosine 0, a negative nearly 1.
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [1.0, 0.1]], requires_grad=True)
    loss = NTXentLoss(temperature=t)(rows, labels)
    loss.backward()
    z = torch.nn.functional.normalize(rows.detach().double(), dim=1)
    scores = (z @ z.T / t).fill_diagonal_(-math.inf)
    exact = torch.nn.functional.cross_entropy(scores, torch.tensor([2, 3, 0, 1]))
    print(f"t = {t}: {loss.item():.4f}, gradient's norm {rows.grad.norm():.3g}; exactly {exact:.4f}")
