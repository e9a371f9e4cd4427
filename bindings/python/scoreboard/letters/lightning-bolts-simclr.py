import math
import torch
from pl_bolts.models.self_supervised.simclr.simclr_module import SimCLR

angles = [0.0, 1.0, 0.5, 2.0]  # two images, then their second views
rows = torch.tensor([[math.cos(a), math.sin(a)] for a in angles])
for t in (0.5, 0.1, 0.07, 0.05, 0.02):
    exact = torch.nn.functional.cross_entropy(
        (rows.double() @ rows.double().T / t).fill_diagonal_(-math.inf), torch.tensor([2, 3, 0, 1])
    )
    print(f"t = {t}: {SimCLR.nt_xent_loss(None, rows[:2], rows[2:], t):.6f}, exactly {exact:.6f}")
