#!/usr/bin/env python3
"""Recurrent layers and convolutions of PyTorch: outputs, last states and all gradients.

recurrent.safetensors holds for each case CASE of {rnn_tanh, rnn_relu, lstm, gru} x {plain, stacked (2 layers, both
directions)}: CASE.x [sum of lengths, 5] (sequences one after the other), CASE.weight_ih_l0 ..., CASE.outputs [sum of lengths,
7 or 14], CASE.hidden (and CASE.cell) [layers * directions, 6, 7], and CASE.d_NAME: the gradients of
sum(outputs * CASE.g_outputs) + sum(hidden * CASE.g_hidden) (+ sum(cell * CASE.g_cell)). Lengths are mixed, 1 among them
(pack_padded_sequence, enforce_sorted=False).

For each convolution conv.PADDING.STRIDE (valid, same with stride 1, causal): x [2, 9, 3], weight [4, 3, 2] ([units, inputs,
size]), bias, outputs [2 * windows, 4], g_outputs, d_x, d_weight, d_bias.

Needs torch, numpy, safetensors.
"""
from reference_common import *

torch = torch_setup()
LENGTHS = [4, 1, 7, 3, 1, 7]
D, U = 5, 7


def recurrent(kind, stacked):
    make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}.get(kind)
    options = dict(num_layers=2 if stacked else 1, bidirectional=stacked)
    layer = make(D, U, **options) if make else torch.nn.RNN(D, U, nonlinearity=kind.split("_")[1], **options)
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_(0, 0.4)
    x = torch.randn(sum(LENGTHS), D, requires_grad=True)
    padded = torch.nn.utils.rnn.pad_sequence(torch.split(x, LENGTHS))
    packed = torch.nn.utils.rnn.pack_padded_sequence(padded, torch.tensor(LENGTHS), enforce_sorted=False)
    out, state = layer(packed)
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out)
    out = torch.cat([out[:n, i] for i, n in enumerate(LENGTHS)])
    results = {"outputs": out}
    if kind == "lstm":
        results["hidden"], results["cell"] = state
    else:
        results["hidden"] = state
    case = {"x": x}
    case.update(layer.named_parameters())
    total = 0
    for name, value in list(results.items()):
        g = torch.randn_like(value)
        total = total + (value * g).sum()
        results[f"g_{name}"] = g
    names = list(case)
    for name, gradient in zip(names, torch.autograd.grad(total, [case[n] for n in names])):
        results[f"d_{name}"] = gradient
    return {**case, **results}


def convolution(padding, stride):
    x = torch.randn(2, 9, 3, requires_grad=True)
    weight = torch.randn(4, 3, 2, requires_grad=True)
    bias = torch.randn(4, requires_grad=True)
    rows = x.transpose(1, 2)
    if padding == "causal":
        rows = torch.nn.functional.pad(rows, (1, 0))
    y = torch.nn.functional.conv1d(
        rows, weight, bias, stride=stride, padding="same" if padding == "same" else 0)
    y = y.transpose(1, 2).reshape(-1, 4)
    g = torch.randn_like(y)
    dx, dw, db = torch.autograd.grad((y * g).sum(), [x, weight, bias])
    return {"x": x, "weight": weight, "bias": bias, "outputs": y, "g_outputs": g, "d_x": dx, "d_weight": dw, "d_bias": db}


if __name__ == "__main__":
    args = options(__doc__).parse_args()
    torch.manual_seed(5)
    tensors = {}
    for kind in ("rnn_tanh", "rnn_relu", "lstm", "gru"):
        for stacked in (False, True):
            name = f"{kind}.{'stacked' if stacked else 'plain'}"
            tensors.update({f"{name}.{k}": v for k, v in recurrent(kind, stacked).items()})
    for padding, stride in (("valid", 1), ("valid", 2), ("same", 1), ("causal", 1), ("causal", 2)):
        tensors.update({f"conv.{padding}.{stride}.{k}": v for k, v in convolution(padding, stride).items()})
    save_tensors(args.out / "recurrent.safetensors", tensors, **versions("torch"))
