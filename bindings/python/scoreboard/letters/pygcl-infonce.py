import torch
from GCL.losses import InfoNCE
from GCL.models import DualBranchContrast

torch.manual_seed(0)
h1, h2 = torch.randn(4, 8, dtype=torch.float64), torch.randn(4, 8, dtype=torch.float64)
t = 0.5
z1, z2 = torch.nn.functional.normalize(h1), torch.nn.functional.normalize(h2)


def one(a, b, with_itself):
    within = a @ a.T / t
    if not with_itself:
        within = within.fill_diagonal_(float("-inf"))
    return torch.nn.functional.cross_entropy(torch.cat([a @ b.T / t, within], dim=1), torch.arange(4))


found = DualBranchContrast(InfoNCE(tau=t), mode="L2L", intraview_negs=True)(h1=h1, h2=h2)
for with_itself in (False, True):
    print(f"the anchor among its negatives: {with_itself}: {(one(z1, z2, with_itself) + one(z2, z1, with_itself)) / 2:.9f}")
print(f"DualBranchContrast: {found:.9f}")
