import MarketingML

/// Made-up products and ads for them: what the example learns from without a table.
enum SampleCopy {
    /// A brief about a product that is not among the examples.
    static let brief: Brief = [
        "name": "Borealis", "product": "headphones", "benefit": "40 hours of music", "price": "$79",
    ]

    private static let names = [
        "Alder", "Brookside", "Cobalt", "Dune", "Everly", "Fennel", "Granite", "Harbor", "Indigo", "Juniper",
        "Kestrel",
        "Lumen", "Marlow", "Nimbus", "Orchard", "Pioneer",
    ]

    private static let products: [(product: String, benefits: [String], audience: String)] = [
        (
            "headphones", ["30 hours of music", "silence on every train", "a sound that fills the room"],
            "music lovers"
        ),
        (
            "backpack", ["room for a whole week", "pockets for everything", "straps that never cut in"],
            "travellers"
        ),
        (
            "coffee", ["a taste of dark chocolate", "beans roasted this week", "a mild finish"],
            "early risers"
        ),
        (
            "running shoes", ["cushioning for long distances", "grip on wet roads", "a fit like a sock"],
            "runners"
        ),
        (
            "desk lamp",
            ["light that follows the day", "five levels of brightness", "a cable that stays hidden"],
            "night owls"
        ),
        (
            "water bottle",
            ["cold drinks for 24 hours", "a lid that never leaks", "steel without any smell"], "hikers"
        ),
        ("tea", ["leaves picked by hand", "a scent of jasmine", "calm in a cup"], "quiet evenings"),
        ("notebook", ["paper that loves ink", "a cover made to last", "pages that lie flat"], "writers"),
    ]

    /// %N name, %P product, %B benefit, %A audience, %C price.
    private static let phrases = [
        "Meet %N: %P with %B, now for %C.",
        "%N is the %P for %A, with %B. Only %C.",
        "Looking for %P? %N gives you %B for just %C.",
        "%B: that is %N, our %P for %A. Yours for %C.",
        "Treat yourself to %N. %P with %B, from %C.",
        "Made for %A: %N, the %P with %B.",
        "For %C you get %N, the %P with %B.",
        "Discover %N today and enjoy %B. %P for %A at %C.",
        "%N. The %P that comes with %B. %C and worth every cent.",
        "Why wait? %N brings you %P with %B for %C.",
    ]

    /// Every product in every phrase, under changing names and prices.
    static var examples: [CopyExample] {
        var examples: [CopyExample] = []
        for (kind, item) in products.enumerated() {
            for (which, benefit) in item.benefits.enumerated() {
                for (form, phrase) in phrases.enumerated() {
                    let index = kind * 31 + which * 7 + form * 3
                    let name = names[index % names.count]
                    let price = "$\(9 + (index * 13) % 90)" + (index % 3 == 0 ? ".90" : "")
                    let brief: Brief = [
                        "name": name, "product": item.product, "benefit": benefit, "price": price,
                    ]
                    let parts = [
                        ("%N", name), ("%P", item.product), ("%B", benefit), ("%A", item.audience),
                        ("%C", price),
                    ]
                    let text = parts.reduce(phrase) { text, part in
                        text.split(separator: part.0, omittingEmptySubsequences: false).joined(
                            separator: part.1)
                    }
                    examples.append(CopyExample(brief, copy: text.prefix(1).uppercased() + text.dropFirst()))
                }
            }
        }
        return examples
    }
}
