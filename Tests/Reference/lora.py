"""Fixtures of low-rank adapters: PEFT on the small random BERT of bert_small.py (rows of one length each, no dropout).

Writes Tests/MarketingMLTests/Fixtures/lora/: an adapter that PEFT saved (adapter_config.json, adapter_model.safetensors) and
lora/expected.safetensors with the logits, the loss and the gradients of every adapter matrix and the head.

    python Tests/Reference/lora.py            # writes the fixtures
    python Tests/Reference/lora.py DIR        # loads an adapter that MarketingML saved to DIR: prints the logits' difference
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BertForSequenceClassification

FIXTURES = Path(__file__).parent.parent / "MarketingMLTests/Fixtures"


def rows():
    file = load_file(FIXTURES / "bert-small.safetensors")
    ids, types = file["ids"], file["token_types"]
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), file["lengths"].long().cumsum(0)])
    return [
        (ids[a:b].long()[None], types[a:b].long()[None]) for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist())
    ], file["labels"].long()


def base():
    return BertForSequenceClassification.from_pretrained(FIXTURES / "bert-small", num_labels=3, attn_implementation="eager")


def logits(model, texts):
    return torch.cat([model(input_ids=ids, token_type_ids=types).logits for ids, types in texts])


def main():
    texts, labels = rows()
    if len(sys.argv) > 1:
        model = PeftModel.from_pretrained(base(), sys.argv[1]).eval()
        expected = load_file(Path(sys.argv[1]) / "logits.safetensors")["logits"]
        print("largest difference", (logits(model, texts) - expected).abs().max().item())
        return
    torch.manual_seed(5)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS, r=3, lora_alpha=12, lora_dropout=0.0,
        target_modules=["query", "value", "intermediate.dense", "output.dense"])
    model = get_peft_model(base(), config).eval()
    for name, parameter in model.named_parameters():
        if "lora_" in name or "classifier.modules_to_save" in name:
            parameter.data = 0.2 * torch.randn_like(parameter)
    model.save_pretrained(FIXTURES / "lora")
    (FIXTURES / "lora/README.md").unlink()
    out = logits(model, texts)
    loss = torch.nn.functional.cross_entropy(out, labels)
    loss.backward()
    tensors = {"logits": out.detach(), "loss": loss.detach()[None]}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            plain = name.replace("base_model.model.", "").replace(".default", "").replace(".modules_to_save", "")
            tensors["grad." + plain] = parameter.grad
    save_file({k: v.contiguous() for k, v in tensors.items()}, FIXTURES / "lora/expected.safetensors")
    # A path of this machine says nothing.
    path = FIXTURES / "lora/adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = "bert-small"
    path.write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")


main()
