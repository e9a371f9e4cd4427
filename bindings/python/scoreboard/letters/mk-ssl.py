import math
import torch
from MK_SSL.audio.models.modules.losses.NTXent_loss import NTXentLoss
from MK_SSL.graph.models.modules.losses.graphcl_loss import NTXentGraphLoss
from MK_SSL.vision.models.modules.losses.nt_xent import NT_Xent

angles = [0.0, 1.0, 0.5, 2.0]  # two images, then their second views
for t in (0.1, 0.02, 0.01, 0.005):
    print(f"t = {t}:", end="")
    for name, loss in (("vision", NT_Xent), ("audio", NTXentLoss), ("graph", NTXentGraphLoss)):
        rows = torch.tensor([[math.cos(a), math.sin(a)] for a in angles], requires_grad=True)
        value = loss(temperature=t)(rows[:2], rows[2:])
        value.backward()
        print(f" {name} {value:.6f}{', NaN in the gradient' if rows.grad.isnan().any() else ''};", end="")
    print()
