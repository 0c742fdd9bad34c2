// The end that all Swift samples share: pictures from the command line, class names and scores to the screen.

import Foundation

/// Step 8: turn the logits into probabilities; the five best classes, best first.
func best(_ logits: [Double], _ classes: [Substring]) -> [(score: Double, name: Substring)] {
    let largest = logits.max() ?? 0
    let exponentials = logits.map { exp($0 - largest) }
    let sum = exponentials.reduce(0, +)
    let order = exponentials.indices.sorted { exponentials[$0] > exponentials[$1] }
    return order.prefix(5).map { (score: exponentials[$0] / sum, name: classes[$0]) }
}

guard CommandLine.arguments.count > 2 else { fatalError("usage: sample BUNDLE picture.jpg [more.jpg ...]") }
let bundle = URL(fileURLWithPath: CommandLine.arguments[1])
let names = try String(contentsOf: bundle.appendingPathComponent("classes.txt"), encoding: .utf8)
let classes = names.split(separator: "\n", omittingEmptySubsequences: false)
let model = try await openModel(bundle.appendingPathComponent(Rule.MODEL))
for path in CommandLine.arguments.dropFirst(2) {
    print(path)
    let answers = try run(model, try cropPicture(loadPicture(URL(fileURLWithPath: path))))
    for (score, name) in best(answers.values, classes) { print(String(format: "  %.7f  ", score) + String(name)) }
}
