// The end of the Swift samples of segmenters: pictures from the command line, masks into files beside them.

import Foundation

let RESIZE_LEFT = ""

/// What one new place takes of the old ones.
struct Share {
    let first: Int
    let weights: [Double]
}

/// Step 8: how a file's answers become those of the model's input size, where it leaves that to others.
func enlargingShares(_ old: Int, _ new: Int) -> [Share] {
    (0..<new).map { index in
        let aligned = Double(index * (old - 1)) / Double(max(new - 1, 1))
        let half = (Double(index) + 0.5) * Double(old) / Double(new) - 0.5
        let place = min(max(RESIZE_LEFT == "half" ? half : aligned, 0), Double(old - 1))
        let first = min(Int(place), max(old - 2, 0))
        let part = place - Double(first)
        return Share(first: first, weights: old > 1 ? [1 - part, part] : [1])
    }
}

/// Step 9: how planes are resized to the picture: bilinear, with a filter that widens with the reduction.
func resizingShares(_ old: Int, _ new: Int) -> [Share] {
    let step = Double(old) / Double(new), stretch = max(step, 1)
    return (0..<new).map { index in
        let centre = (Double(index) + 0.5) * step
        let first = max(0, Int(centre - stretch + 0.5)), end = min(old, Int(centre + stretch + 0.5))
        let weights = (first..<end).map { max(0, 1 - abs((Double($0) - centre + 0.5) / stretch)) }
        let sum = weights.reduce(0, +)
        return Share(first: first, weights: weights.map { $0 / sum })
    }
}

/// One plane of `width` columns, put together from shares: first along its rows, then down its columns.
func resize(_ plane: [Float], width: Int, columns: [Share], rows: [Share]) -> [Float] {
    let height = plane.count / width
    var narrow = [Float](repeating: 0, count: height * columns.count)
    for y in 0..<height {
        for (x, share) in columns.enumerated() {
            var sum = 0.0
            for (k, weight) in share.weights.enumerated() { sum += weight * Double(plane[y * width + share.first + k]) }
            narrow[y * columns.count + x] = Float(sum)
        }
    }
    var resized = [Float](repeating: 0, count: rows.count * columns.count)
    for (y, share) in rows.enumerated() {
        for x in 0..<columns.count {
            var sum = 0.0
            for (k, weight) in share.weights.enumerated() {
                sum += weight * Double(narrow[(share.first + k) * columns.count + x])
            }
            resized[y * columns.count + x] = Float(sum)
        }
    }
    return resized
}

/// Step 10: the best class of each pixel of the picture, row by row.
func segment(_ answers: Answers, _ picture: Picture) -> [UInt8] {
    let (height, width) = (answers.shape[1], answers.shape[2])
    var mask = [UInt8](repeating: 0, count: picture.width * picture.height)
    var best = [Float](repeating: -Float.infinity, count: mask.count)
    for index in 0..<answers.shape[0] {
        var plane = answers.values[index * height * width..<(index + 1) * height * width].map { Float($0) }
        var size = (height, width)
        if !RESIZE_LEFT.isEmpty {
            plane = resize(
                plane, width: width, columns: enlargingShares(width, Rule.WIDTH), rows: enlargingShares(height, Rule.HEIGHT))
            size = (Rule.HEIGHT, Rule.WIDTH)
        }
        let columns = resizingShares(size.1, picture.width), rows = resizingShares(size.0, picture.height)
        plane = resize(plane, width: size.1, columns: columns, rows: rows)
        for (place, value) in plane.enumerated() where value > best[place] {
            best[place] = value
            mask[place] = UInt8(index)
        }
    }
    return mask
}

guard CommandLine.arguments.count > 2 else { fatalError("usage: sample BUNDLE picture.jpg [more.jpg ...]") }
let bundle = URL(fileURLWithPath: CommandLine.arguments[1])
let names = try String(contentsOf: bundle.appendingPathComponent("classes.txt"), encoding: .utf8)
let classes = names.split(separator: "\n", omittingEmptySubsequences: false)
let model = try await openModel(bundle.appendingPathComponent(Rule.MODEL))
for path in CommandLine.arguments.dropFirst(2) {
    print(path)
    let file = URL(fileURLWithPath: path)
    let picture = try loadPicture(file)
    let mask = segment(try run(model, cropPicture(picture)), picture)
    let header = Data("P5 \(picture.width) \(picture.height) 255\n".utf8)  // a PGM file, a byte of class index a pixel
    let name = file.deletingPathExtension().lastPathComponent + "_mask.pgm"
    try (header + Data(mask)).write(to: file.deletingLastPathComponent().appendingPathComponent(name))
    for (index, name) in classes.enumerated() {
        let share = Double(mask.lazy.filter { Int($0) == index }.count) / Double(mask.count)
        if share > 0 { print(String(format: "  %.7f  ", share) + String(name)) }
    }
}
