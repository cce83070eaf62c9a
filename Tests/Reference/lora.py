"""Fixtures of low-rank adapters: PEFT on the small random models of bert_small.py and causal.py (no dropout).

Writes, for bert, gpt2 and llama, Tests/MarketingMLTests/Fixtures/lora[-gpt2|-llama]/: an adapter that PEFT saved
(adapter_config.json, adapter_model.safetensors) and expected.safetensors with the logits, the loss and the gradients of every
adapter matrix (for BERT also of the head).

    python Tests/Reference/lora.py                 # writes the fixtures
    python Tests/Reference/lora.py bert|gpt2|llama DIR   # loads an adapter that MarketingML saved to DIR: prints the logits' difference
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BertForSequenceClassification, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).parent.parent / "MarketingMLTests/Fixtures"


class Bert:
    folder = "lora"
    options = dict(task_type=TaskType.SEQ_CLS, target_modules=["query", "value", "intermediate.dense", "output.dense"])

    def __init__(self):
        file = load_file(FIXTURES / "bert-small.safetensors")
        ids, types = file["ids"], file["token_types"]
        offsets = [0] + file["lengths"].long().cumsum(0).tolist()
        self.rows = [(ids[a:b].long()[None], types[a:b].long()[None]) for a, b in zip(offsets, offsets[1:])]
        self.labels = file["labels"].long()
        self.base = BertForSequenceClassification.from_pretrained(
            FIXTURES / "bert-small", num_labels=3, attn_implementation="eager")

    def logits(self, model):
        return torch.cat([model(input_ids=ids, token_type_ids=types).logits for ids, types in self.rows])

    def loss(self, logits):
        return torch.nn.functional.cross_entropy(logits, self.labels)


class Causal:
    def __init__(self, name, config, model, targets):
        self.folder = f"lora-{name}"
        self.options = dict(
            task_type=TaskType.CAUSAL_LM, target_modules=targets, fan_in_fan_out=name == "gpt2")
        file = load_file(FIXTURES / f"causal-{name}.safetensors")
        self.base = model(config(**json.loads((FIXTURES / f"causal-{name}.json").read_text()))).eval()
        missing = self.base.load_state_dict({k: v for k, v in file.items() if k in self.base.state_dict()}, strict=False)
        assert all("lm_head" in k or "rotary" in k or k.endswith("attn.bias") for k in missing.missing_keys), missing
        self.base.tie_weights()
        offsets = file["batch.offsets"].tolist()
        self.rows = [file["batch.ids"][a:b][None] for a, b in zip(offsets, offsets[1:])]

    def logits(self, model):
        return torch.cat([model(input_ids=row).logits[0] for row in self.rows])

    def loss(self, logits):
        ends = torch.tensor([row.shape[1] for row in self.rows]).cumsum(0) - 1
        kept = [i for i in range(len(logits)) if i not in ends.tolist()]
        return torch.nn.functional.cross_entropy(logits[kept], torch.cat([row[0, 1:] for row in self.rows]))


CASES = {
    "bert": Bert,
    "gpt2": lambda: Causal("gpt2", GPT2Config, GPT2LMHeadModel, ["c_attn", "mlp.c_proj"]),
    "llama": lambda: Causal("llama", LlamaConfig, LlamaForCausalLM, ["q_proj", "v_proj", "up_proj", "down_proj"]),
}


def write(case):
    folder = FIXTURES / case.folder
    torch.manual_seed(5)
    model = get_peft_model(case.base, LoraConfig(r=3, lora_alpha=12, lora_dropout=0.0, **case.options)).eval()
    for name, parameter in model.named_parameters():
        if "lora_" in name or "classifier.modules_to_save" in name:
            parameter.data = 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    out = case.logits(model)
    loss = case.loss(out)
    loss.backward()
    tensors = {"logits": out.detach(), "loss": loss.detach()[None]}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            plain = name.replace("base_model.model.", "").replace(".default", "").replace(".modules_to_save", "")
            tensors["grad." + plain] = parameter.grad
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "expected.safetensors")
    # A path of this machine says nothing, and sets have no order.
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = case.folder
    saved["target_modules"] = sorted(saved["target_modules"])
    path.write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")


if len(sys.argv) > 1:
    case, folder = CASES[sys.argv[1]](), Path(sys.argv[2])
    model = PeftModel.from_pretrained(case.base, folder).eval()
    expected = load_file(folder / "logits.safetensors")["logits"]
    print("largest difference", (case.logits(model) - expected).abs().max().item())
else:
    for make in CASES.values():
        write(make())
