import Tensor

// What tokenizer_config.json says to a tokenizer that is read from vocab.txt.

extension BertNormalizer {
    /// The usual options of a vocabulary without, or with, capitals.
    init(lowercase: Bool) {
        self.init(stripsAccents: lowercase, lowercases: lowercase)
    }

    /// The options in a tokenizer_config.json; what it does not say is as for `bert-base-uncased`.
    init(_ configuration: JSONValue?) {
        let lowercases = configuration?["do_lower_case"]?.bool ?? true
        self.init(
            separatesChinese: configuration?["tokenize_chinese_chars"]?.bool ?? true,
            stripsAccents: configuration?["strip_accents"]?.bool ?? lowercases, lowercases: lowercases)
    }
}

extension TokenizerDescription.SpecialTokens {
    /// The names in a tokenizer_config.json, which are strings or objects with a `content`.
    init(_ configuration: JSONValue?) {
        func name(_ key: String, _ usual: String) -> String {
            let value = configuration?[key]
            return value?.string ?? value?["content"]?.string ?? usual
        }
        self.init(
            unknown: name("unk_token", "[UNK]"), classification: name("cls_token", "[CLS]"),
            separator: name("sep_token", "[SEP]"), padding: name("pad_token", "[PAD]"),
            mask: name("mask_token", "[MASK]"))
    }
}
