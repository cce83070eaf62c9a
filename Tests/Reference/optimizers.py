"""Ten steps of each optimizer from given gradients, and the losses with their gradients, by PyTorch.

Command:   python optimizers.py [--out DIR]
Versions:  torch 2.13.0 on the CPU

Produces
  optimizers.safetensors  float32: start.weight [3, 5], start.bias [4], gradient.weight [10, 3, 5], gradient.bias [10, 4];
                          after.NAME.weight, after.NAME.bias for each NAME of `OPTIMIZERS` below. AdamW decays the matrix only.
                          `lion` is the paper's pseudo-code (arXiv:2302.06675) in float64: torch has none.
  losses.safetensors      float64: logits [6, 4], values [6, 4], classes [6], onehot [6, 4], soft [6, 4], weights [6], zero_one [6, 4];
                          NAME.loss [1] and NAME.gradient [6, 4] for each NAME of `losses()`. Weighted ones are sums of weight times
                          loss divided by the sum of the weights.
"""
import torch
import torch.nn.functional as F

from reference_common import options, save_tensors, torch_setup

torch_setup()

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd-momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "sgd-nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.02),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "adam-l2": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(
        [{"params": [p[0]], "weight_decay": 0.1}, {"params": [p[1]], "weight_decay": 0.0}], lr=0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.05),
    "rmsprop-centered": lambda p: torch.optim.RMSprop(
        p, lr=0.02, alpha=0.9, eps=1e-6, momentum=0.7, centered=True, weight_decay=0.03),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "adagrad-decay": lambda p: torch.optim.Adagrad(
        p, lr=0.1, lr_decay=0.2, initial_accumulator_value=0.1, eps=1e-6, weight_decay=0.03),
}


def optimizers():
    g = torch.Generator().manual_seed(1)
    start = [torch.randn(3, 5, generator=g), torch.randn(4, generator=g)]
    # Gradients of different sizes; some exactly zero, as those of embeddings are.
    gradients = [torch.randn(10, 3, 5, generator=g), torch.randn(10, 4, generator=g) * 3]
    gradients[0][:, 1] *= 0.01
    gradients[0][2:6, 2] = 0
    out = {"start.weight": start[0], "start.bias": start[1],
           "gradient.weight": gradients[0], "gradient.bias": gradients[1]}
    for name, make in OPTIMIZERS.items():
        parameters = [torch.nn.Parameter(p.clone()) for p in start]
        optimizer = make(parameters)
        for step in range(10):
            for p, all_steps in zip(parameters, gradients):
                p.grad = all_steps[step].clone()
            optimizer.step()
        out[f"after.{name}.weight"], out[f"after.{name}.bias"] = parameters
    for p, all_steps, name in zip(start, gradients, ["weight", "bias"]):
        w, m = p.double().clone(), torch.zeros_like(p).double()
        for g in all_steps.double():
            w -= 0.01 * (torch.sign(0.9 * m + 0.1 * g) + 0.1 * w)
            m = 0.99 * m + 0.01 * g
        out[f"after.lion.{name}"] = w.float()
    return out


def losses():
    g = torch.Generator().manual_seed(2)
    logits = torch.randn(6, 4, generator=g, dtype=torch.float64) * 3
    values = torch.randn(6, 4, generator=g, dtype=torch.float64)
    classes = torch.tensor([0, 3, 1, 1, 2, 0])
    onehot = F.one_hot(classes, 4).double()
    soft = torch.softmax(torch.randn(6, 4, generator=g, dtype=torch.float64), 1)
    weights = torch.tensor([1, 0.5, 2, 0, 3, 0.25], dtype=torch.float64)
    zero_one = (torch.rand(6, 4, generator=g) < 0.5).double()
    out = dict(logits=logits, values=values, classes=classes, onehot=onehot, soft=soft, weights=weights, zero_one=zero_one)

    def focal(x, gamma, alpha):
        p = torch.sigmoid(x)
        pt = zero_one * p + (1 - zero_one) * (1 - p)
        at = zero_one * alpha + (1 - zero_one) * (1 - alpha)
        return (at * (1 - pt) ** gamma * F.binary_cross_entropy_with_logits(x, zero_one, reduction="none")).mean()

    def class_focal(x, gamma):
        p = torch.softmax(x, 1).gather(1, classes[:, None])[:, 0]
        return (-(1 - p) ** gamma * torch.log(p)).mean()

    def weighted(rows):
        return (rows * weights).sum() / weights.sum()

    cases = {
        "bce": lambda x: F.binary_cross_entropy_with_logits(x, zero_one),
        "bce-probabilities": lambda x: F.binary_cross_entropy(torch.sigmoid(x), zero_one),
        "bce-weighted": lambda x: weighted(
            F.binary_cross_entropy_with_logits(x, zero_one, reduction="none").mean(1)),
        "bce-smoothing": lambda x: F.binary_cross_entropy_with_logits(x, zero_one * 0.8 + 0.1),
        "ce": lambda x: F.cross_entropy(x, classes),
        "ce-smoothing": lambda x: F.cross_entropy(x, classes, label_smoothing=0.2),
        "ce-soft": lambda x: F.cross_entropy(x, soft),
        "ce-weighted": lambda x: weighted(F.cross_entropy(x, classes, reduction="none")),
        "mse": lambda x: F.mse_loss(x, values),
        "mae": lambda x: F.l1_loss(x, values),
        "huber": lambda x: F.huber_loss(x, values, delta=0.7),
        "hinge": lambda x: torch.clamp(1 - (2 * zero_one - 1) * x, min=0).mean(),
        "focal": lambda x: focal(x, 2.0, 0.25),
        "focal-classes": lambda x: class_focal(x, 1.5),
    }
    for name, case in cases.items():
        x = logits.clone().requires_grad_()
        loss = case(x)
        loss.backward()
        out[f"{name}.loss"] = loss.reshape(1)
        out[f"{name}.gradient"] = x.grad
    return out


if __name__ == "__main__":
    args = options(__doc__).parse_args()
    save_tensors(args.out / "optimizers.safetensors", optimizers())
    save_tensors(args.out / "losses.safetensors", losses())
