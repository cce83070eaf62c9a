/// The one error type of the library: what a user's data, file or option can cause.
///
/// `message` says what was expected and what was found; `location` says where. What only a wrong program can
/// cause (shapes that do not fit inside a layer) is a precondition instead.
public struct MarketingMLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing went wrong, for code that reacts to it.
    public enum Code: String, Sendable {
        /// A file or directory is missing or cannot be opened.
        case fileNotFound
        /// Reading or writing failed, or the disk is full.
        case inputOutput
        /// A file's contents do not follow its format.
        case malformedFile
        /// A file is well-formed but uses something that is not supported.
        case unsupported
        /// A tensor that the model needs is not in the file.
        case missingTensor
        /// A tensor's or array's shape is not the one expected.
        case shapeMismatch
        /// A named column is not in the table.
        case missingColumn
        /// A label that the model was not trained on.
        case unknownLabel
        /// There is no data, or too little to do what was asked.
        case emptyData
        /// NaN or infinity where a finite number is needed.
        case notFinite
        /// An option is outside its valid range, or two options contradict each other.
        case invalidOption
        /// Input is larger than the stated limit.
        case tooLarge
    }

    /// Where it went wrong. Rows count from 1, the header included, as an editor shows them.
    public struct Location: Sendable, Equatable {
        /// The file's path.
        public var file: String?
        /// The row, counted from 1.
        public var row: Int?
        /// The column's or tensor's name.
        public var name: String?
        /// The byte offset in the file.
        public var offset: Int?

        /// Creates a location from the parts that are known.
        public init(file: String? = nil, row: Int? = nil, name: String? = nil, offset: Int? = nil) {
            self.file = file
            self.row = row
            self.name = name
            self.offset = offset
        }
    }

    /// What kind of thing went wrong.
    public var code: Code
    /// What was expected, what was found, and what to do.
    public var message: String
    /// Where, as far as it is known.
    public var location: Location

    /// Creates an error.
    public init(_ code: Code, _ message: String, at location: Location = Location()) {
        self.code = code
        self.message = message
        self.location = location
    }

    /// The message with its place in front: `reviews.csv, row 7, column "label": …`.
    public var description: String {
        var place: [String] = []
        if let file = location.file { place.append(file) }
        if let row = location.row { place.append("row \(row)") }
        if let name = location.name { place.append("\"\(name)\"") }
        if let offset = location.offset { place.append("byte \(offset)") }
        return place.isEmpty ? message : place.joined(separator: ", ") + ": " + message
    }
}
