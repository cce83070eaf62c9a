"""Scores after the logits processors of transformers, and beams of its beam search, of small random models.

Command:   python generation.py [--out DIR]
Versions:  transformers 5.23.0, torch 2.13.0

Produces generation.json:
  processed: cases {name, options {temperature, topK, topP, minP, repetitionPenalty, noRepeatNGram; only those set}, tokens [n],
    scores [V], expected [V]; null stands for minus infinity}: the processors in the order in which `generate` builds them
  table: {vocabulary V, scores [V * V * V]}: a model whose logits depend on the last two tokens (0 before the first)
  beams: cases {prompts [r][n], beams, returned, lengthPenalty, earlyStopping (true, false or "never"), maxNewTokens, stopTokens,
    repetitionPenalty, noRepeatNGram, sequences [r * returned][m] (new tokens, the stop token included), scores [r * returned]}
    of the table's model
  gpt2Beams: the same for the small GPT-2 of causal-gpt2.json and causal-gpt2.safetensors (made by causal.py)
"""
import numpy as np
from reference_common import options, save_json, torch_setup, versions

torch = torch_setup()
from transformers import GenerationConfig, GenerationMixin, GPT2Config, GPT2LMHeadModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

V = 13


def finite(row):
    return [None if not np.isfinite(x) else float(x) for x in row]


def processed():
    host = GPT2LMHeadModel(GPT2Config(vocab_size=8, n_positions=8, n_embd=4, n_layer=1, n_head=1))
    rng = np.random.default_rng(3)
    names = dict(temperature="temperature", topK="top_k", topP="top_p", minP="min_p", repetitionPenalty="repetition_penalty",
                 noRepeatNGram="no_repeat_ngram_size")
    cases = []

    def case(name, scores, tokens, **opts):
        scores = torch.tensor(np.asarray(scores, dtype=np.float32))[None]
        config = GenerationConfig(**{**dict(top_k=0, top_p=1.0, temperature=1.0), **{names[k]: v for k, v in opts.items()}}, do_sample=True)
        config._eos_token_tensor = None
        ids = torch.tensor([tokens])
        result = host._get_logits_processor(config, input_ids_seq_length=len(tokens))(ids, scores.clone())
        cases.append(dict(name=name, options=opts, tokens=tokens, scores=finite(scores[0].numpy()), expected=finite(result[0].numpy())))

    wide = (rng.normal(size=40) * 3).astype(np.float32)
    text = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3]
    case("nothing", wide, text)
    case("temperature below 1", wide, text, temperature=0.7)
    case("temperature above 1", wide, text, temperature=1.9)
    for k in [1, 2, 7, 39, 40, 90]:
        case(f"top {k}", wide, text, topK=k)
    for p in [0.05, 0.3, 0.5, 0.8, 0.95, 0.999]:
        case(f"top p {p}", wide, text, topP=p)
    for p in [0.0, 0.05, 0.3, 1.0]:
        case(f"min p {p}", wide, text, minP=p)
    for r in [0.8, 1.2, 2.0]:
        case(f"repetition {r}", wide, text, repetitionPenalty=r)
    for n in [1, 2, 3, 4, 30]:
        case(f"n-gram {n}", wide, [5, 3, 5, 8, 3, 5, 8, 5, 3, 5, 8, 3], noRepeatNGram=n)
    ties = np.round(wide)
    case("ties, top 5", ties, text, topK=5)
    case("ties, top p", ties, text, topP=0.6)
    case("ties, min p", ties, text, minP=0.2)
    powers = np.log2([0.5, 0.25, 0.125, 0.125]) * np.log(2)
    for p in [0.4, 0.5, 0.6, 0.75, 0.8, 0.875, 0.9]:
        case(f"powers of two, top p {p}", powers, [0, 1], topP=p)
    case("everything", wide, text, temperature=0.8, topK=20, topP=0.9, minP=0.02, repetitionPenalty=1.3, noRepeatNGram=2)
    case("everything again", -wide, text[::-1], temperature=1.5, topK=30, topP=0.7, minP=0.1, repetitionPenalty=0.9, noRepeatNGram=3)
    many = (rng.normal(size=500) * 2).astype(np.float32)
    for p in [0.1, 0.7, 0.9, 0.99]:
        case(f"many tokens, top p {p}", many, text, topP=p)
    case("many tokens", many, text, topK=100, topP=0.95, temperature=1.2)
    return cases


class TableConfig(PreTrainedConfig):
    model_type = "table"

    def __init__(self, **kw):
        super().__init__(**kw)
        self.vocab_size = V
        self.num_hidden_layers = 1
        self.hidden_size = 1
        self.num_attention_heads = 1


class TableModel(PreTrainedModel, GenerationMixin):
    config_class = TableConfig

    def __init__(self, config, table=None):
        super().__init__(config)
        self.table = torch.nn.Parameter(torch.zeros(V, V, V) if table is None else table)

    def forward(self, input_ids=None, attention_mask=None, **kw):
        last = input_ids[:, -1]
        before = input_ids[:, -2] if input_ids.shape[1] > 1 else torch.zeros_like(last)
        if attention_mask is not None and input_ids.shape[1] > 1:
            before = before * attention_mask[:, -2]
        return CausalLMOutput(logits=self.table[before, last][:, None])

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, **kw):
        return dict(input_ids=input_ids, attention_mask=attention_mask)


def gpt2(folder):
    from safetensors.torch import load_file
    model = GPT2LMHeadModel(GPT2Config.from_json_file(folder / "causal-gpt2.json")).eval()
    tensors = load_file(folder / "causal-gpt2.safetensors")
    missing = model.load_state_dict({k: tensors[k] for k in model.state_dict() if k in tensors}, strict=False).missing_keys
    assert set(missing) <= {"lm_head.weight"} or all(".attn.bias" in k for k in missing), missing
    return model


def case_of(model, cache):
    cases = []

    def case(prompts, num_beams, returned, penalty, early, length, stops, repetition=1.0, ngram=0):
        width = max(len(p) for p in prompts)
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        out = model.generate(
            ids, attention_mask=mask, do_sample=False, num_beams=num_beams, num_return_sequences=returned, length_penalty=penalty,
            early_stopping=early, max_new_tokens=length, eos_token_id=stops or None, pad_token_id=0, use_cache=cache,
            repetition_penalty=repetition, no_repeat_ngram_size=ngram, return_dict_in_generate=True, output_scores=True)
        sequences = []
        for row in out.sequences[:, width:].tolist():
            end = next((i + 1 for i, t in enumerate(row) if t in stops), len(row))
            sequences.append(row[:end])
        cases.append(dict(prompts=prompts, beams=num_beams, returned=returned, lengthPenalty=penalty, earlyStopping=early, maxNewTokens=length,
                          stopTokens=stops, repetitionPenalty=repetition, noRepeatNGram=ngram, sequences=sequences,
                          scores=out.sequences_scores.tolist()))

    return cases, case


def gpt2_beams(folder):
    cases, case = case_of(gpt2(folder), True)
    for num_beams in [2, 3, 4, 5]:
        for early, penalty in [(True, 1.0), (False, 0.6), ("never", 1.5)]:
            case([[5, 9, 2]], num_beams, num_beams, penalty, early, 11, [17, 40])
        case([[7], [5, 9, 2], [33, 3]], num_beams, 2, 1.0, False, 9, [60])
    return cases


def beams(table):
    cases, case = case_of(TableModel(TableConfig(), table).eval(), False)
    for num_beams in [2, 3, 4, 5]:
        for early in [True, False, "never"]:
            for penalty in [1.0, 0.0, 0.6, 2.0, -0.7]:
                case([[1, 2]], num_beams, num_beams if penalty in (1.0, 0.6) else 1, penalty, early, 9, [12])
        case([[3], [4, 5, 6], [7, 8]], num_beams, 2, 1.0, False, 8, [12, 11])
        case([[3], [4, 5, 6], [7, 8]], num_beams, 1, 0.8, True, 8, [12])
        case([[5, 5]], num_beams, num_beams, 1.0, False, 5, [])
        case([[5, 6]], num_beams, 2, 1.0, "never", 10, [12], repetition=1.4)
        case([[5, 6, 7]], num_beams, 2, 1.0, True, 10, [12], ngram=2)
    return cases


def main():
    out = options(__doc__).parse_args().out
    generator = torch.Generator().manual_seed(11)
    table = torch.round(torch.randn(V, V, V, generator=generator) * 2 * 1000) / 1000
    table[:, :, 12] += 0.7  # ends often enough that the rules for stopping matter
    save_json(out / "generation.json", dict(
        versions=versions("transformers", "torch"), processed=processed(),
        table=dict(vocabulary=V, scores=[round(x, 3) for x in table.flatten().tolist()]), beams=beams(table),
        gpt2Beams=gpt2_beams(out)), indent=None)


if __name__ == "__main__":
    main()
