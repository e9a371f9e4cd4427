import math
import torch
from catalyst.contrib.losses.ntxent import NTXentLoss

angles = [0.0, 1.0, 0.5, 2.0]  # two images, then their second views
rows = torch.tensor([[math.cos(a), math.sin(a)] for a in angles])
for t in (0.5, 0.1, 0.07, 0.05, 0.001):
    exact = 0.0
    for i, a in enumerate(angles):
        others = [math.cos(a - b) / t for j, b in enumerate(angles) if j != i]
        exact += (
            max(others) + math.log(sum(math.exp(s - max(others)) for s in others)) - math.cos(a - angles[(i + 2) % 4]) / t
        ) / 4
    try:
        found = f"{NTXentLoss(tau=t)(rows[:2], rows[2:]).item():.6f}"
    except OverflowError as error:
        found = f"OverflowError: {error}"
    print(f"t = {t}: {found}, exactly {exact:.6f}")
