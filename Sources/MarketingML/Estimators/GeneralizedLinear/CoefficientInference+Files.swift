import Tensor

extension CoefficientInference {
    /// What is no array, for files.
    struct Fields: Codable {
        var unavailable: InferenceUnavailable?
        var hc1Factor: Double?
    }

    var fields: Fields {
        switch self {
        case .unavailable(let reason): Fields(unavailable: reason, hc1Factor: nil)
        case .available(let covariances): Fields(unavailable: nil, hc1Factor: covariances.hc1Factor)
        }
    }

    func add(to writer: inout SafeTensorsWriter) {
        guard case .available(let covariances) = self else { return }
        let order = Int(Double(covariances.classical.count).squareRoot())
        writer.add("covariance.classical", Tensor(shape: [order, order], covariances.classical))
        writer.add("covariance.hc0", Tensor(shape: [order, order], covariances.hc0))
    }

    /// - Throws: `.malformedFile`, `.missingTensor`, `.shapeMismatch`, `.notFinite`.
    init(_ fields: Fields, file: ModelFile, order: Int) throws {
        if let reason = fields.unavailable {
            self = .unavailable(reason)
            return
        }
        guard let factor = fields.hc1Factor else {
            throw file.malformed("has neither covariances nor a reason why not")
        }
        self = .available(
            Covariances(
                classical: try file.tensor("covariance.classical", shape: [order, order]).elements,
                hc0: try file.tensor("covariance.hc0", shape: [order, order]).elements, hc1Factor: factor))
    }
}
