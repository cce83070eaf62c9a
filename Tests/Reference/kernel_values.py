"""Float64 references of the element-wise and row-wise kernels, and known answers of the random number generator.

Command:   python kernel_values.py [--out DIR]
Versions:  numpy 2.4.6, scipy 1.17.1, torch 2.13.0

Produces kernels.safetensors. All inputs are float64 arrays whose values float32 can hold exactly, all results are the
float64 ones (not rounded to float32).
  x [1009]                     from -12 to 12 in steps of 1/40, then extremes up to 3e38 and subnormals of float32
  erf, tanh, exp, gelu, gelu.grad, gelu_tanh, gelu_tanh.grad [1009]     (exp is inf where float64 overflows; gelu is
                               x * 0.5 * erfc(-x / sqrt 2), that is, without cancellation for negative x; gelu_tanh is the
                               approximation transformers calls gelu_new)
  norm.N.{x, gamma, beta, dy, y, dx, dgamma, dbeta}, norm.N.epsilon [1]    layer normalisation, N = 0 ... 4
                               x, dy, y, dx [rows, width]; gamma, beta, dgamma, dbeta [width]
                               0: 5 x 37; 1: 3 x 1; 2: 4 x 384; 3: 7 x 40 with a constant row and a row around 10,000;
                               4: 9 x 130; epsilon 1e-12, but 1e-5 in 3 and 4
  softmax.N.{x, dy, y, dx}     softmax over the last axis, N = 0 ... 3: 6 x 33, 3 x 1, 5 x 7 (huge values), 4 x 100 (masked:
                               entries of -inf, whose y and dx are 0); softmax.N.lse [rows]: log of the sum of exponentials
  philox.counter u32 [7, 4], philox.key u32 [7, 2], philox.output u32 [7, 4]     Philox4x32-10; the first three are the
                               published vectors of Random123 (all zero, all ones, digits of pi)
"""
import numpy as np
from reference_common import options, save_tensors, torch_setup

torch = torch_setup()
from scipy import special

PUBLISHED = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0], [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
]


def philox(counter, key):
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k1, a & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def single(a):
    """Values that float32 holds, as float64."""
    return np.asarray(a).astype(np.float32).astype(np.float64)


def elementwise():
    extremes = [1e-45, 1e-40, 1.1754944e-38, 1e-30, 1e-20, 1e-10, 1e-7, 1e-4, 1e-3, 13.5, 20, 37.5, 80, 87.33, 88.7, 88.75, 90, 103.9, 104.5, 150, 700, 709.5, 1e4, 3e38]
    x = single(np.concatenate([np.arange(-480, 481) / 40, extremes, np.negative(extremes)]))
    x[x == 0] = 0.0
    with np.errstate(over="ignore", under="ignore"):
        phi = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
        cdf = 0.5 * special.erfc(-x / np.sqrt(2))
        s = np.sqrt(2 / np.pi)
        t = np.tanh(s * (x + 0.044715 * x ** 3))
        return {"x": x, "erf": special.erf(x), "tanh": np.tanh(x), "exp": np.exp(x), "gelu": x * cdf, "gelu.grad": cdf + x * phi,
                "gelu_tanh": 0.5 * x * (1 + t), "gelu_tanh.grad": 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * s * (1 + 3 * 0.044715 * x * x)}


def norms(rng):
    out = {}
    for n, (rows, width, epsilon) in enumerate([(5, 37, 1e-12), (3, 1, 1e-12), (4, 384, 1e-12), (7, 40, 1e-5), (9, 130, 1e-5)]):
        x = single(rng.normal(0.3, 2, (rows, width)))
        if n == 3:
            x[2] = 1.75
            x[4] = single(10_000 + rng.normal(0, 1, width))
        gamma, beta, dy = single(rng.normal(1, 0.5, width)), single(rng.normal(0, 0.5, width)), single(rng.normal(0, 1, (rows, width)))
        tx, tg, tb = (torch.tensor(v, requires_grad=True) for v in (x, gamma, beta))
        y = torch.nn.functional.layer_norm(tx, (width,), tg, tb, epsilon)
        y.backward(torch.tensor(dy))
        values = dict(x=x, gamma=gamma, beta=beta, dy=dy, y=y, dx=tx.grad, dgamma=tg.grad, dbeta=tb.grad, epsilon=np.array([epsilon]))
        out |= {f"norm.{n}.{k}": v for k, v in values.items()}
    return out


def softmaxes(rng):
    out = {}
    for n, (rows, width) in enumerate([(6, 33), (3, 1), (5, 7), (4, 100)]):
        x = single(rng.normal(0, 3, (rows, width)) * (1e4 if n == 2 else 1))
        if n == 2:
            x[1] = 3e38 * np.sign(x[1])
            x[3] = -2.5e4
            x = single(x)
        if n == 3:
            x[rng.random(x.shape) < 0.4] = -np.inf
            x[2, 1:] = -np.inf
            x[2, 0] = 0.5
        dy = single(rng.normal(0, 1, x.shape))
        tx = torch.tensor(x, requires_grad=True)
        y = tx.softmax(-1)
        y.backward(torch.tensor(dy))
        assert bool(torch.isfinite(y).all()) and bool(torch.isfinite(tx.grad).all())
        out |= {f"softmax.{n}.x": x, f"softmax.{n}.dy": dy, f"softmax.{n}.y": y, f"softmax.{n}.dx": tx.grad, f"softmax.{n}.lse": tx.logsumexp(-1)}
    return out


def main():
    out = options(__doc__).parse_args().out
    rng = np.random.default_rng(41)
    for counter, key, answer in PUBLISHED:
        assert philox(counter, key) == answer
    blocks = [(c, k) for c, k, _ in PUBLISHED] + [([1, 0, 0, 0], [42, 0]), ([2, 0, 0, 0], [42, 0]), ([0xFFFFFFFF, 0, 0, 0], [42, 7]), ([0, 1, 0, 0], [42, 7])]
    save_tensors(out / "kernels.safetensors", elementwise() | norms(rng) | softmaxes(rng) | {
        "philox.counter": np.array([c for c, _ in blocks], np.uint32), "philox.key": np.array([k for _, k in blocks], np.uint32),
        "philox.output": np.array([philox(c, k) for c, k in blocks], np.uint32)})


main()
