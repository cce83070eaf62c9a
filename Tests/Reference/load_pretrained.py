"""Loads a BERT that MarketingML pre-trained with transformers, and prints what it puts in the place of [MASK].

Command:   python load_pretrained.py DIR TEXT [TEXT ...]
Versions:  torch 2.13.0, transformers 5.23.0

DIR holds config.json, model.safetensors and the tokenizer's files; its "architectures" says whether it is a
BertForPreTraining or a BertForMaskedLM. Prints one JSON object: {"architecture", "missing": [names], "unexpected": [names],
"results": [{"text", "ids", "masks": [[{"token", "probability"} x 5], ...]}]}; ends with status 1 when a weight was missing or
left over.
"""
import argparse
import json
import pathlib
import sys

from reference_common import torch_setup

torch = torch_setup()
import transformers


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", metavar="DIR", type=pathlib.Path)
    ap.add_argument("texts", metavar="TEXT", nargs="+")
    args = ap.parse_args()
    architecture = json.loads((args.folder / "config.json").read_text())["architectures"][0]
    net, info = getattr(transformers, architecture).from_pretrained(args.folder, output_loading_info=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.folder)
    net = net.float().eval()
    results = []
    for text in args.texts:
        inputs = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            out = net(**inputs)
        logits = out.prediction_logits if architecture == "BertForPreTraining" else out.logits
        masks = []
        for position in (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero().flatten():
            top = logits[0, position].softmax(-1).topk(5)
            masks.append([{"token": tokenizer.convert_ids_to_tokens(int(i)), "probability": float(p)}
                          for p, i in zip(top.values, top.indices)])
        results.append({"text": text, "ids": inputs["input_ids"][0].tolist(), "masks": masks})
    missing, unexpected = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    json.dump({"architecture": architecture, "missing": missing, "unexpected": unexpected, "results": results},
              sys.stdout, ensure_ascii=False, indent=1)
    print()
    sys.exit(1 if missing or unexpected else 0)


main()
