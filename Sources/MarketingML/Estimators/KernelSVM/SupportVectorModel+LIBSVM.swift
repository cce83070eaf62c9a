#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension SupportVectorModel {
    /// Reads a classifier (`c_svc`, `nu_svc`) from LIBSVM's model file. Its probabilities, if it has any, are left out.
    ///
    /// - Parameter featureCount: D, which is not in the file; nil for the last column that occurs.
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.malformedFile`, `.notFinite` with the line; `.unsupported` for another machine or
    ///   kernel; `.unknownLabel` for a label that is none of `Label`'s; `.shapeMismatch` for a column beyond `featureCount`.
    public init(libsvm url: URL, featureCount: Int? = nil) throws {
        let file = try LIBSVMModelFile(url)
        guard file.machine == .classification || file.machine == .nuClassification else {
            throw MarketingMLError(
                .unsupported, "holds a \(file.machine.rawValue), expected a classifier",
                at: .init(file: url.path))
        }
        let named = try LabelSet<Label>(texts: file.labels.map { "\($0)" })
        let classes = try LabelSet(named.labels)
        let order = classes.labels.compactMap { named.index(of: $0) }
        self.init(
            classes: classes,
            expansion: try file.expansion(order: order, featureCount: featureCount, url: url),
            intercepts: file.intercepts(order: order), reports: [])
    }

    /// Writes LIBSVM's model file (`c_svc`), atomically. Labels that are whole numbers stand as they are; others are numbered from
    /// 0 in the order of `classes`.
    ///
    /// - Throws: `.inputOutput`.
    public func saveLIBSVM(to url: URL) throws {
        let numbers = classes.texts.compactMap { text in Int32(text).map { Int($0) } }
        try LIBSVMModelFile(
            .classification, expansion,
            labels: numbers.count == classes.count ? numbers : Array(0..<classes.count),
            intercepts: intercepts
        ).write(to: url)
    }
}

extension SupportVectorRegressionModel {
    /// Reads a regression (`epsilon_svr`, `nu_svr`) from LIBSVM's model file.
    ///
    /// - Parameter featureCount: D, which is not in the file; nil for the last column that occurs.
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.malformedFile`, `.notFinite` with the line; `.unsupported` for another machine or
    ///   kernel; `.shapeMismatch` for a column beyond `featureCount`.
    public init(libsvm url: URL, featureCount: Int? = nil) throws {
        let file = try LIBSVMModelFile(url)
        guard file.machine == .regression || file.machine == .nuRegression else {
            throw MarketingMLError(
                .unsupported, "holds a \(file.machine.rawValue), expected a regression",
                at: .init(file: url.path))
        }
        self.init(
            expansion: try file.expansion(order: [0], featureCount: featureCount, url: url),
            intercept: -file.rho[0],
            epsilon: nil, report: nil)
    }

    /// Writes LIBSVM's model file (`epsilon_svr`), atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func saveLIBSVM(to url: URL) throws {
        try LIBSVMModelFile(.regression, expansion, labels: [], intercepts: [intercept]).write(to: url)
    }
}

extension OneClassSupportVectorModel {
    /// Reads a one-class machine (`one_class`) from LIBSVM's model file.
    ///
    /// - Parameter featureCount: D, which is not in the file; nil for the last column that occurs.
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.malformedFile`, `.notFinite` with the line; `.unsupported` for another machine or
    ///   kernel; `.shapeMismatch` for a column beyond `featureCount`.
    public init(libsvm url: URL, featureCount: Int? = nil) throws {
        let file = try LIBSVMModelFile(url)
        guard file.machine == .oneClass else {
            throw MarketingMLError(
                .unsupported, "holds a \(file.machine.rawValue), expected a one_class",
                at: .init(file: url.path))
        }
        self.init(
            expansion: try file.expansion(order: [0], featureCount: featureCount, url: url),
            intercept: -file.rho[0],
            report: nil)
    }

    /// Writes LIBSVM's model file (`one_class`), atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func saveLIBSVM(to url: URL) throws {
        try LIBSVMModelFile(.oneClass, expansion, labels: [], intercepts: [intercept]).write(to: url)
    }
}
