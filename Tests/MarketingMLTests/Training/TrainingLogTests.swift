import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct TrainingLogTests {
    @Test func checksumsOfTheStandard() {
        #expect(EventRecord.crc32c(Array("123456789".utf8)) == 0xe306_9283)
        // RFC 3720, appendix B.4.
        #expect(EventRecord.crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(EventRecord.crc32c((0..<32).map { UInt8($0) }) == 0x46dd_794e)
    }

    @Test func historyInBothForms() throws {
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path)
            let csv = folder.appending(path: "history.csv")
            var model = Sequential { Dense(units: 1, activation: .sigmoid) }
            let history = try model.fit(
                Tensor<Float>.randomNormal([20, 3], seed: 1), (0..<20).map { $0 % 2 },
                loss: .binaryCrossEntropy,
                metrics: [.accuracy], epochs: 3, batchSize: 8, validationFraction: 0.2,
                logs: [.csv(csv), .tensorBoard(folder.appending(path: "runs"))])
            let lines = try String(contentsOf: csv, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 4 && lines[0] == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate")
            #expect(lines[3].split(separator: ",").map { Double($0) }[3] == history.epochs[2].validationLoss)
            let files = try FileManager.default.contentsOfDirectory(atPath: path + "/runs")
            #expect(files.count == 1 && files[0].hasPrefix("events.out.tfevents."))
            // Records follow one another to the end of the file: the version, 6 updates, 3 epochs.
            let bytes = Array(try Data(contentsOf: folder.appending(path: "runs/\(files[0])")))
            var (position, records) = (0, 0)
            while position < bytes.count {
                let length = bytes[position..<position + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
                let data = Array(bytes[position + 12..<position + 12 + length])
                #expect(Array(bytes[position..<position + 16 + length]) == EventRecord.bytes(data))
                position += 16 + length
                records += 1
            }
            #expect(records == 10)
        }
    }

    @Test func schedules() throws {
        let step = LearningRateSchedule.step(updates: 3, factor: 0.5)
        #expect((0..<7).map { step.factor(step: $0, total: 0, warmup: 0) } == [1, 1, 1, 0.5, 0.5, 0.5, 0.25])
        let exponential = LearningRateSchedule.exponential(factor: 0.5)
        #expect((0..<4).map { exponential.factor(step: $0, total: 0, warmup: 1) } == [0, 1, 0.5, 0.25])
        // As torch.optim.lr_scheduler.ReduceLROnPlateau(patience: 1) without threshold.
        let plateau = LearningRateSchedule.reduceOnPlateau(factor: 0.1, patience: 1)
        let losses = [3, 2, 2, 2, 1.5, 1.6, 1.7, 1.8, 1.9]
        let factors = losses.indices.map {
            plateau.factor(step: 0, total: 0, warmup: 0, epochLosses: Array(losses[0...$0]))
        }
        expectClose(factors, [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001], relative: 1e-12)
        for schedule in [LearningRateSchedule.linear, .cosine, .constant, step, exponential, plateau] {
            let data = try JSONEncoder().encode([schedule])
            #expect(try JSONDecoder().decode([LearningRateSchedule].self, from: data) == [schedule])
        }
        #expect(
            String(decoding: try JSONEncoder().encode(["a": LearningRateSchedule.linear]), as: UTF8.self)
                == #"{"a":"linear"}"#)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([LearningRateSchedule].self, from: Data(#"["step(0.5,2)"]"#.utf8))
        }
    }
}
