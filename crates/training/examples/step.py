"""A training step in PyTorch with torchvision's transforms, for `time_step --python`: a line on the standard input asks
for a step, a line on the standard output says how many seconds its views and all of it took.

The step is what a code base of the field does: transforms image by image, ResNet-18 in its CIFAR form, the views one
after the other through the encoder, NCA with M positives and g0 (SimCLR where M = 1) from the whole matrix of scores,
`torch.optim.Adam`.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torchvision import transforms as T
from torchvision.models.resnet import BasicBlock, ResNet

positives, side, width, batch, threads = (int(word) for word in sys.argv[1:6])
device = sys.argv[6]
torch.set_num_threads(threads)
torch.manual_seed(1)

model = ResNet(BasicBlock, [2, 2, 2, 2])
model.inplanes = width
model.conv1 = torch.nn.Conv2d(3, width, 3, 1, 1, bias=False)
model.bn1 = torch.nn.BatchNorm2d(width)
model.maxpool = torch.nn.Identity()
for stage in range(4):
    layer = model._make_layer(BasicBlock, width << stage, 2, stride=1 if stage == 0 else 2)
    setattr(model, f"layer{stage + 1}", layer)
size = 8 * width
model.fc = torch.nn.Sequential(torch.nn.Linear(size, size), torch.nn.ReLU(), torch.nn.Linear(size, 64))
model = model.to(device, memory_format=torch.channels_last).train()
adam = torch.optim.Adam(model.parameters(), lr=3e-4)

images = [T.ToPILImage()(torch.rand(3, side, side)) for _ in range(batch)]
transform = T.Compose([
    T.RandomResizedCrop(side),
    T.RandomHorizontalFlip(),
    T.RandomApply([T.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
    T.RandomGrayscale(p=0.2),
    T.ToTensor(),
    T.Normalize([0.5] * 3, [0.5] * 3),
])


def view():
    stacked = torch.stack([transform(image) for image in images])
    return stacked.to(device, memory_format=torch.channels_last)


def nca(embeddings):
    """The mean over the anchors of views 0 and 1, with those two views as negatives."""
    views = [F.normalize(view, dim=-1) for view in embeddings]
    both = torch.cat(views[:2])
    scores = both @ both.T / 0.5
    images_ = torch.arange(batch, device=device).repeat(2)
    other = images_[:, None] != images_[None, :]
    negatives = scores.masked_fill(~other, float("-inf")).logsumexp(1)
    swapped = torch.cat([views[1], views[0]])
    near = [(both * swapped).sum(1)] + [(both * view.repeat(2, 1)).sum(1) for view in views[2:]]
    positive = torch.stack([score / 0.5 for score in near], 1).logsumexp(1)
    return (torch.logaddexp(positive, negatives) - positive).mean()


for _ in sys.stdin:
    begin = time.perf_counter()
    views = [view() for _ in range(1 + positives)]
    drawn = time.perf_counter() - begin
    loss = nca([model(x) for x in views])
    adam.zero_grad()
    loss.backward()
    adam.step()
    loss.item()
    print(drawn, time.perf_counter() - begin, flush=True)
