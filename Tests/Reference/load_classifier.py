"""Loads a text classifier that MarketingML saved with transformers, and prints what it says about some texts.

Command:   python load_classifier.py DIR TEXTFILE [--max-length N]     (one text a line, UTF-8)
Versions:  torch 2.13.0, transformers 5.23.0

DIR holds config.json, model.safetensors and the tokenizer's files. With "architectures": ["MarketingMLBertMeanClassifier"]
or "classifier_pooling": "mean" in config.json the classifier sits on the mean over the real tokens ([CLS] and [SEP]
included) of a BERT without pooler; otherwise it is a BertForSequenceClassification.
Every line goes through the model on its own. Prints one JSON object to standard output:
  {"architecture", "tokenizer", "missing": [names], "unexpected": [names],
   "results": [{"text", "ids": [...], "logits": [...], "label"}]}
and ends with status 1 when a weight was missing or left over.
"""
import argparse
import json
import pathlib
import sys

from reference_common import torch_setup

torch = torch_setup()
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel


class MeanClassifier(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=False)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids, token_type_ids, attention_mask):
        hidden = self.bert(input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return self.classifier((hidden * mask).sum(1) / mask.sum(1))


def load(folder):
    raw = json.loads((folder / "config.json").read_text())
    config = BertConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    if raw.get("architectures") == ["MarketingMLBertMeanClassifier"] or raw.get("classifier_pooling") == "mean":
        net = MeanClassifier(config)
        result = net.load_state_dict(load_file(str(folder / "model.safetensors")), strict=False)
        return net, config, "mean", result.missing_keys, result.unexpected_keys
    net, info = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    return net, config, "pooler", info["missing_keys"], info["unexpected_keys"]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", metavar="DIR", type=pathlib.Path)
    ap.add_argument("texts", metavar="TEXTFILE", type=pathlib.Path)
    ap.add_argument("--max-length", type=int)
    args = ap.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    net, config, architecture, missing, unexpected = load(args.folder)
    if not 10 < len(tokenizer) <= config.vocab_size:  # without its files AutoTokenizer quietly makes an empty one
        sys.exit(f"the tokenizer has {len(tokenizer)} tokens, the model {config.vocab_size}")
    net = net.float().eval()
    limit = args.max_length or min(tokenizer.model_max_length, config.max_position_embeddings)
    lines = args.texts.read_text(encoding="utf-8").split("\n")
    if lines[-1] == "":
        lines.pop()
    results = []
    for text in lines:
        inputs = tokenizer(text, truncation=True, max_length=limit, padding=False, return_tensors="pt", return_token_type_ids=True)
        with torch.inference_mode():
            out = net(input_ids=inputs["input_ids"], token_type_ids=inputs["token_type_ids"], attention_mask=inputs["attention_mask"])
        logits = (out if torch.is_tensor(out) else out.logits)[0]
        results.append({"text": text, "ids": inputs["input_ids"][0].tolist(), "logits": logits.tolist(),
                        "label": config.id2label[int(logits.argmax())]})
    json.dump({"architecture": architecture, "tokenizer": type(tokenizer).__name__, "missing": sorted(missing),
               "unexpected": sorted(unexpected), "results": results}, sys.stdout, ensure_ascii=False, indent=1)
    print()
    sys.exit(1 if missing or unexpected else 0)


main()
