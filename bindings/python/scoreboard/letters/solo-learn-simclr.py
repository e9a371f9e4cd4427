import math
import torch
from solo.losses.simclr import manual_simclr_loss_func, simclr_loss_func

z1 = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
z2 = torch.tensor([[1.0, 2.0, 4.0], [2.0, 1.0, 4.0]])  # no cosine above 0.44
z = torch.nn.functional.normalize(torch.cat([z1, z2]).double(), dim=1)
images = torch.tensor([0, 1, 0, 1])
same = images[:, None] == images
positives = same & ~torch.eye(4, dtype=torch.bool)
for t in (0.1, 0.02, 0.01, 0.005):
    exact = torch.nn.functional.cross_entropy((z @ z.T / t).fill_diagonal_(-math.inf), torch.tensor([2, 3, 0, 1]))
    manual = manual_simclr_loss_func(torch.cat([z1, z2]), positives, ~same, t)
    print(f"t = {t}: {simclr_loss_func(z1, z2, t):.6f}, manual {manual:.6f}, exactly {exact:.6f}")
