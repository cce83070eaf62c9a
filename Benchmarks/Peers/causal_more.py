"""Causal language models beyond causal_lm.py: what bench's lm_prefill/*, lm_candidates/* and lm_train/* are compared with.

prefill: 32 or 512 tokens, scores of the last one alone (logits_to_keep=1). candidates: five at once, 64 tokens each, from
a cache of 32 tokens, repeated; a bare loop. train: forward, backward and AdamW on 8 x 128 tokens, no dropout."""
import common

run, common.main = common.main, lambda *ignored: None  # causal_lm runs its cases when it is imported
from causal_lm import *


def ids(count):
    return (uniform(37, 0, count) * 50257).astype(np.int64)


def prefill(name, count):
    def go(args):
        torch, m = model(name)
        x = torch.from_numpy(ids(count)[None])

        def once():
            with torch.inference_mode():
                m(x, use_cache=True, logits_to_keep=1)
        runs = timeit(once, args.repeats, 2, 30, inner=3)
        emit(f"lm_prefill/{name}/{count}", "transformers-last-logits", runs, {"prompt_tok_per_s": round(count / med(runs), 1)})
    return go


def candidates(name):
    def go(args):
        torch, m = model(name)
        x = torch.from_numpy(prompt()).repeat(5, 1)

        def once():
            with torch.inference_mode():
                r = m(x, use_cache=True, logits_to_keep=1)
                for _ in range(NEW - 1):
                    t = r.logits[:, -1].argmax(-1, keepdim=True)
                    r = m(t, past_key_values=r.past_key_values, use_cache=True)
        runs = timeit(once, args.repeats, 1, 60)
        emit(f"lm_candidates/{name}", "transformers-loop", runs, {"new_tok_per_s": round(5 * NEW / med(runs), 2)})
    return go


def train(name):
    def go(args):
        torch, m = model(name)
        for module in m.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0
        m.train()
        x = torch.from_numpy(ids(8 * 128).reshape(8, 128))
        optimizer = torch.optim.AdamW(m.parameters(), lr=1e-4, weight_decay=0.01)
        losses = []

        def step():
            optimizer.zero_grad()
            loss = m(x, labels=x).loss
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        runs = timeit(step, args.repeats, 2, 60)
        emit(f"lm_train/{name}", "pytorch", runs, {"tok_per_s": round(8 * 128 / med(runs), 1)},
             {f"loss_{i}": l for i, l in enumerate(losses[:4])})
    return go


cases = {}
for n in SHAPES:
    cases |= {f"{n}-prefill-{c}": prefill(n, c) for c in (32, 512)}
    cases |= {f"{n}-candidates": candidates(n), f"{n}-train": train(n)}
if __name__ == "__main__":
    run(cases, __doc__)
