// The end of the Swift samples of detectors: pictures from the command line, boxes to the screen.

import Foundation

let leastScore = 0.5
let mostOverlap = 0.55

/// Step 8: of boxes of one class, the best first, those that no better one overlaps too much.
func suppress(_ boxes: [[Double]]) -> [Int] {
    var kept: [Int] = []
    for (place, box) in boxes.enumerated() {
        let overlaps = kept.contains { other in
            let best = boxes[other]
            let width = max(0, min(box[2], best[2]) - max(box[0], best[0]))
            let height = max(0, min(box[3], best[3]) - max(box[1], best[1]))
            let shared = width * height
            let union = (box[2] - box[0]) * (box[3] - box[1]) + (best[2] - best[0]) * (best[3] - best[1]) - shared
            return union > 0 && shared / union > mostOverlap
        }
        if !overlaps { kept.append(place) }
    }
    return kept
}

/// Step 9: for each class take what is sure enough, and suppress; corners in pixels of the picture.
///
/// A row of answers has four corners as shares of the picture, then scores, those of the background first.
func find(_ answers: Answers, _ picture: Picture) -> [(score: Double, index: Int, box: [Double])] {
    let length = answers.shape[1]
    let rows = (0..<answers.shape[0]).map { Array(answers.values[$0 * length..<($0 + 1) * length]) }
    let sides = [picture.width, picture.height, picture.width, picture.height].map(Double.init)
    var found: [(score: Double, index: Int, box: [Double])] = []
    for index in 0..<length - 5 {
        let sure = rows.filter { $0[5 + index] >= leastScore }.sorted { $0[5 + index] > $1[5 + index] }
        for place in suppress(sure.map { Array($0[0..<4]) }) {
            found.append((sure[place][5 + index], index, zip(sure[place], sides).map { $0 * $1 }))
        }
    }
    return found
}

guard CommandLine.arguments.count > 2 else { fatalError("usage: sample BUNDLE picture.jpg [more.jpg ...]") }
let bundle = URL(fileURLWithPath: CommandLine.arguments[1])
let names = try String(contentsOf: bundle.appendingPathComponent("classes.txt"), encoding: .utf8)
let classes = names.split(separator: "\n", omittingEmptySubsequences: false)
let model = try await openModel(bundle.appendingPathComponent(Rule.MODEL))
for path in CommandLine.arguments.dropFirst(2) {
    print(path)
    let picture = try loadPicture(URL(fileURLWithPath: path))
    for (score, index, box) in find(try run(model, cropPicture(picture)), picture) {
        let corners = box.map { String(format: "%.1f", $0) }.joined(separator: " ")
        print(String(format: "  %.4f  ", score) + "\(classes[index])  \(corners)")
    }
}
