import torch
from infonce import SupervisedInfoNCE

rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-0.6, 0.8], [0.8, -0.6]], dtype=torch.float64)
labels = torch.tensor([0, 1, 0, 1])
for t in (0.5, 0.07):
    scores = rows @ rows.T / t
    meant = with_zero = 0.0
    for i in range(4):
        positive = scores[i, (i + 2) % 4]
        negatives = torch.stack([scores[i, (i + 1) % 4], scores[i, (i + 3) % 4]])
        zero = torch.zeros(1, dtype=torch.float64)
        meant += (negatives.logsumexp(0) - positive).item() / 4
        with_zero += (torch.cat([negatives, zero]).logsumexp(0) - torch.cat([positive[None], zero]).logsumexp(0)).item() / 4
    found = SupervisedInfoNCE(temperature=t)(rows, labels).item()
    print(f"t = {t}: {found:.9f}; without the anchor {meant:.9f}; with a score of 0 for the anchor in both sums {with_zero:.9f}")
