import Foundation
import Recommend
import TestSupport
import Tensor

/// Generated interactions for tests: the same ones at every run.
enum SmallData {
    /// Users with tastes: user u takes items of group u mod `groups` mostly.
    static func interactions(
        users: Int = 40, items: Int = 30, perUser: Int = 8, groups: Int = 3, seed: UInt64 = 1
    ) throws -> Interactions<String, Int> {
        var random = SeededGenerator(seed: seed)
        var rows: (users: [String], items: [Int], values: [Double], times: [Int64]) = ([], [], [], [])
        for user in 0..<users {
            var taken: Set<Int> = []
            for turn in 0..<perUser {
                var item = random.next(below: items)
                if random.nextUniform() < 0.8 { item = item / groups * groups + user % groups }
                guard item < items, taken.insert(item).inserted else { continue }
                rows.users.append("user \(user)")
                rows.items.append(1000 + item)
                rows.values.append(1 + Double(random.next(below: 4)))
                rows.times.append(Int64(100 * turn + user))
            }
        }
        return try Interactions(
            users: rows.users, items: rows.items, values: rows.values, times: rows.times)
    }

    /// User u takes item i exactly if u + i is even; each user lacks one item of his colour.
    static func checkerboard(size: Int) -> Interactions<Int, Int> {
        var (users, items): ([Int], [Int]) = ([], [])
        for user in 0..<size {
            for item in 0..<size where (user + item) % 2 == 0 && item != user {
                users.append(user)
                items.append(item)
            }
        }
        return Interactions(users: users, items: items)
    }
}
