"""Small random GPT-2 and Llama models: config, weights, logits, losses and all gradients on a ragged batch.

causal-<name>.safetensors, one a model (gpt2; llama with shared heads; llama with an output matrix of its own): the
weights under their names, `batch.ids` and `batch.offsets` (rows of different lengths), `logits` of all rows below one
another, `loss` (mean over the tokens that have a next one), `gradient.<name>`, and `losses`: of six updates by AdamW
(rate 3e-3, warm-up over 3, then a cosine; decay 0.1 of matrices, beta2 0.99, norm cut to 1) on the same batch.
causal-<name>.json: config.json as transformers writes it.

Run with OMP_NUM_THREADS=1. transformers 4/5, torch.
"""
import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

out = Path(sys.argv[1] if len(sys.argv) > 1 else "Tests/MarketingMLTests/Fixtures")
MODELS = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(
        vocab_size=61, n_embd=24, n_layer=2, n_head=3, n_positions=17, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
        bos_token_id=60, eos_token_id=60)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(
        vocab_size=61, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=2, max_position_embeddings=17, rope_theta=500.0, rms_norm_eps=1e-5,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=[2, 3])),
    "llama-untied": lambda: LlamaForCausalLM(LlamaConfig(
        vocab_size=61, hidden_size=24, intermediate_size=40, num_hidden_layers=1, num_attention_heads=3, head_dim=10,
        num_key_value_heads=3, max_position_embeddings=17, tie_word_embeddings=False)),
}
LENGTHS = [7, 1, 17, 2]

for name, make in MODELS.items():
    torch.manual_seed(3)
    model = make().eval()
    with torch.no_grad():
        for p in model.parameters():  # norms and biases too
            p.add_(torch.randn_like(p) * 0.1)
    rows = [torch.randint(0, 61, (n,)) for n in LENGTHS]
    logits = [model(row[None]).logits[0] for row in rows]
    targets = [row[1:] for row in rows]
    loss = torch.nn.functional.cross_entropy(
        torch.cat([l[:-1] for l in logits]), torch.cat(targets), reduction="mean")
    loss.backward()
    tensors = {k: v.detach().clone().contiguous() for k, v in model.named_parameters()}
    tensors |= {"gradient." + k: p.grad.clone().contiguous() for k, p in model.named_parameters()}
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.1},
         {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0}], betas=(0.9, 0.99))
    losses = []
    for step in range(6):
        rate = 3e-3 * (step / 3 if step < 3 else 0.5 * (1 + math.cos(math.pi * (step - 3) / 3)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(
            torch.cat([model(row[None]).logits[0, :-1] for row in rows]), torch.cat(targets))
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1)
        optimizer.step()
        losses.append(value.item())
    offsets = [0]
    for n in LENGTHS:
        offsets.append(offsets[-1] + n)
    tensors |= {"batch.ids": torch.cat(rows), "batch.offsets": torch.tensor(offsets),
                "logits": torch.cat(logits).detach().contiguous(), "loss": loss.detach()[None],
                "losses": torch.tensor(losses)}
    save_file(tensors, out / f"causal-{name}.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict()
    config["architectures"] = [type(model).__name__]
    (out / f"causal-{name}.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
