import torch
from pytorch_metric_learning.losses.supcon_loss import SupConLoss

# Images 0 and 1 are hard to tell apart, image 2 is far from both.
rows = torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [1.0, 0.2], [1.0, -0.1], [-1.0, 0.1]], dtype=torch.float64)
labels = torch.tensor([0, 1, 2, 0, 1, 2])
for t in (0.2, 0.1, 0.05):
    loss = SupConLoss(temperature=t)
    print(f"t = {t}: {loss(rows, labels):.6f} in float64, {loss(rows.float(), labels):.6f} in float32")
