import Foundation

/// Whether a person sits at the other end, and how to speak to them.
public enum Terminal {
    /// Whether standard input is a terminal: somebody can be asked.
    public static var canAsk: Bool { isatty(STDIN_FILENO) == 1 }

    /// Whether standard error is a terminal: a line can be drawn again.
    public static var canRedraw: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes to standard error at once.
    public static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Asks for lines until an empty one or the end of input.
    public static func askForLines(_ question: String) -> [String] {
        var lines: [String] = []
        print(question)
        while true {
            print("> ", terminator: "")
            fflush(nil)
            guard let line = readLine()?.trimmingCharacters(in: .whitespaces), !line.isEmpty else {
                return lines
            }
            lines.append(line)
        }
    }

    /// Sentences to judge: those that were given, else those that somebody types, else three of our own.
    public static func sentencesToJudge(given: [String]) -> [String] {
        if !given.isEmpty { return given }
        let asked = canAsk ? askForLines("\nType a sentence to judge, or nothing to go on.") : []
        if !asked.isEmpty { return asked }
        return [
            "Arrived broken and nobody answers my messages.",
            "Works perfectly and the battery lasts for days.",
            "No problems so far, I would buy it again without thinking twice.",
        ]
    }
}
