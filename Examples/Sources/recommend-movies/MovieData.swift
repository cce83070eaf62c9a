import Foundation
import MarketingML
import Recommend

/// Who rated what, to learn from and to be judged on, and what the items are called.
struct MovieData {
    let train: Interactions<String, String>
    let test: Interactions<String, String>
    let titles: [String: String]

    /// Reads two tables with the same columns, and a third one with a column `title` beside the items.
    init(train: URL, test: URL, user: String, item: String, value: String, titles: URL?) throws {
        self.train = try Interactions(csv: train, user: user, item: item, value: value)
        self.test = try Interactions(csv: test, user: user, item: item, value: value)
        var names: [String: String] = [:]
        if let titles {
            let table = try Table(csv: titles)
            for (id, title) in zip(try table[item].labels(), try table["title"].labels()) {
                names[id] = title
            }
        }
        self.titles = names
    }

    /// Generated ratings of 400 people with tastes: everybody likes two genres, and some films of each are better than others.
    init(seed: UInt64) throws {
        let genres = ["Western", "Comedy", "Thriller", "Musical", "Documentary", "Romance"]
        var random = SeededGenerator(seed: seed)
        var events: (users: [String], items: [String], values: [Double]) = ([], [], [])
        for person in 0..<400 {
            let likes = [random.next(below: genres.count), random.next(below: genres.count)]
            for film in 0..<180 {
                let genre = film % genres.count
                let isLiked = likes.contains(genre)
                let known = 1 / Double(2 + film / genres.count)
                guard random.nextUniform() < (isLiked ? 1.5 : 0.3) * known else { continue }
                let rating = (isLiked ? 3.9 : 2.4) + random.nextUniform() * 1.4 - Double(film % 7) * 0.1
                events.users.append("\(person)")
                events.items.append("\(film)")
                events.values.append(min(5, max(0.5, (2 * rating).rounded() / 2)))
            }
        }
        let all = try Interactions(users: events.users, items: events.items, values: events.values)
        (train, test) = try all.split(.random(testFraction: 0.2, seed: seed))
        titles = Dictionary(
            uniqueKeysWithValues: (0..<180).map {
                ("\($0)", "\(genres[$0 % genres.count]) no. \($0 / genres.count + 1)")
            })
    }

    func title(_ item: String) -> String { titles[item] ?? item }
}
