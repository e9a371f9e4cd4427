import math
import torch
from pl_bolts.losses.self_supervised_learning import nt_xent_loss

angles = [0.0, 1.0, 0.5, 2.0]  # two images, then their second views
for t in (0.1, 0.02, 0.01, 0.005):
    rows = torch.tensor([[math.cos(a), math.sin(a)] for a in angles], requires_grad=True)
    loss = nt_xent_loss(rows[:2], rows[2:], t)
    loss.backward()
    scores = rows.detach().double() @ rows.detach().double().T / t
    exact = torch.nn.functional.cross_entropy(scores.fill_diagonal_(-math.inf), torch.tensor([2, 3, 0, 1]))
    print(f"t = {t}: {loss:.6f}, NaN in the gradient: {bool(rows.grad.isnan().any())}; exactly {exact:.6f}")
