import CTensorKernels
import Foundation
import Testing

/// Every task of every job runs exactly once: from several threads, nested, and while the number of threads changes.
@Suite(.serialized) struct ThreadPoolTests {
    /// Runs a job and returns how often each task ran.
    static func counts(_ tasks: Int, nested: Bool = false) -> [Int32] {
        var counts = [Int32](repeating: 0, count: tasks)
        counts.withUnsafeMutableBytes { bytes in
            if nested {
                mml_parallel(
                    tasks,
                    { context, task in
                        let inner = ThreadPoolTests.counts(5)
                        let slot = context?.assumingMemoryBound(to: Int32.self)
                        slot?[task] += inner == [1, 1, 1, 1, 1] ? 1 : 100
                    }, bytes.baseAddress)
            } else {
                mml_parallel(
                    tasks, { context, task in context?.assumingMemoryBound(to: Int32.self)[task] += 1 },
                    bytes.baseAddress)
            }
        }
        return counts
    }

    static func expectOnce(_ rounds: Int, _ seed: Int) -> Bool {
        var numbers = TestNumbers(seed)
        for round in 0..<rounds {
            let tasks = Int(numbers.next() % 40)
            if counts(tasks, nested: round % 7 == 3) != [Int32](repeating: 1, count: tasks) { return false }
        }
        return true
    }

    @Test func everyTaskRunsOnce() {
        for tasks in [0, 1, 2, 3, 1000] { #expect(Self.counts(tasks) == [Int32](repeating: 1, count: tasks)) }
        #expect(Self.expectOnce(5000, 1))
    }

    @Test func manyCallers() async {
        await withTaskGroup(of: Bool.self) { group in
            for caller in 0..<4 { group.addTask { Self.expectOnce(3000, caller + 2) } }
            for await right in group { #expect(right) }
        }
    }

    @Test func theNumberOfThreadsMayChange() async {
        let before = mml_thread_count()
        await withTaskGroup(of: Bool.self) { group in
            for caller in 0..<3 { group.addTask { Self.expectOnce(2000, caller + 9) } }
            group.addTask {
                for round in 0..<100 {
                    mml_set_thread_count(Int32(1 + round % 4))
                    usleep(200)
                }
                return true
            }
            for await right in group { #expect(right) }
        }
        for (count, result) in [(3, 3), (0, 1), (-5, 1), (1000, 256), (2, 2)] as [(Int32, Int32)] {
            mml_set_thread_count(count)
            #expect(mml_thread_count() == result)
            #expect(Self.expectOnce(50, 3))
        }
        mml_set_thread_count(before)
        #expect(mml_thread_count() == before)
    }

    /// Two tasks that wait for each other can only end in time if they run at the same time.
    @Test func tasksRunSideBySide() {
        final class Meeting {
            let here = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
            let met = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        }
        let before = mml_thread_count()
        defer { mml_set_thread_count(before) }
        mml_set_thread_count(2)
        // Another test may hold the pool, and then the job runs inline: try again.
        let met = (0..<200).contains { _ in
            let meeting = Meeting()
            mml_parallel(
                2,
                { context, task in
                    guard let context else { return }
                    let meeting = Unmanaged<Meeting>.fromOpaque(context).takeUnretainedValue()
                    meeting.here[task].signal()
                    if meeting.here[1 - task].wait(timeout: .now() + 0.2) == .success {
                        meeting.met[task].signal()
                    }
                }, Unmanaged.passUnretained(meeting).toOpaque())
            return meeting.met.allSatisfy { $0.wait(timeout: .now()) == .success }
        }
        #expect(met)
    }
}
