// Classifies pictures with Core ML: every step from a picture file to class names, with the numbers of one bundle.
// edgesmith's tests did not compile this file, and the model was converted but not run: both need Apple's machines.
// Compare its scores with those of the bundle's other files before you rely on it.
//
//     swiftc -O sample_coreml.swift -o sample && ./sample BUNDLE picture.jpg [more.jpg ...]
//
// In an app, take all but the last part, and the class that Xcode makes of the package in place of `openModel`.

import CoreGraphics
import CoreML
import Foundation
import ImageIO

enum Rule {
    static let MODEL = "model.mlpackage"
    static let HEIGHT = 224
    static let WIDTH = 224
    static let RESIZE_SHORT = 256
    static let INTERPOLATION = "BILINEAR"
    static let APPLY_ORIENTATION = true
    static let SCALE = 0.00392156862745098
    static let MEAN = [0.485, 0.456, 0.406]
    static let STD = [0.229, 0.224, 0.225]
    static let BATCH = 1
}

struct Problem: Error, CustomStringConvertible {
    let description: String
}

struct Picture {
    var width: Int
    var height: Int
    var rgba: [UInt8]  // row by row, four values a pixel
}

/// Step 1: decode, lay transparency on white, turn upright as the EXIF tag asks.
///
/// The pixels are drawn into their own colour space, which keeps the values as they are stored; sRGB would convert them
/// where a file names another space. Apple's decoder may differ from libjpeg's by a unit or two here and there.
func loadPicture(_ url: URL) throws -> Picture {
    guard let source = CGImageSourceCreateWithURL(url as CFURL, nil),
        let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
    else { throw Problem(description: "\(url.path) cannot be read as a picture") }
    let own = image.colorSpace.flatMap { $0.model == .rgb ? $0 : nil }
    let space = own ?? CGColorSpace(name: CGColorSpace.sRGB)!
    let (width, height) = (image.width, image.height)
    var rgba = [UInt8](repeating: 255, count: 4 * width * height)
    try rgba.withUnsafeMutableBytes { bytes in
        guard
            let context = CGContext(
                data: bytes.baseAddress, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width,
                space: space, bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)
        else { throw Problem(description: "\(url.path) has pixels of a kind that cannot be drawn") }
        context.interpolationQuality = .none
        context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
    }
    let picture = Picture(width: width, height: height, rgba: rgba)
    let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
    let orientation = (properties?[kCGImagePropertyOrientation] as? NSNumber)?.intValue ?? 1
    return Rule.APPLY_ORIENTATION ? turnUpright(picture, orientation) : picture
}

/// `orientation` is where the top is, 1 to 8 as in EXIF.
func turnUpright(_ stored: Picture, _ orientation: Int) -> Picture {
    guard (2...8).contains(orientation) else { return stored }
    let swap = orientation >= 5
    let mirrorX = [2, 3, 7, 8].contains(orientation), mirrorY = [3, 4, 6, 7].contains(orientation)
    var upright = stored
    if swap { (upright.width, upright.height) = (stored.height, stored.width) }
    for y in 0..<upright.height {
        for x in 0..<upright.width {
            let (column, row) = swap ? (y, x) : (x, y)
            let fromX = mirrorX ? stored.width - 1 - column : column
            let fromY = mirrorY ? stored.height - 1 - row : row
            let (from, to) = (4 * (fromY * stored.width + fromX), 4 * (y * upright.width + x))
            for c in 0..<4 { upright.rgba[to + c] = stored.rgba[from + c] }
        }
    }
    return upright
}

/// The source pixels that one pixel of the resized picture is made of, with weights in units of 2^-22.
struct Taps {
    let first: Int
    let weights: [Int32]
}

func filterWeight(_ distance: Double) -> Double {
    let x = abs(distance)
    if Rule.INTERPOLATION == "BILINEAR" { return max(0, 1 - x) }
    if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
}

/// The taps of `count` pixels from `start` on, along one side that is resized from `size` to `resized` pixels.
func findTaps(size: Int, resized: Int, start: Int, count: Int) -> [Taps] {
    let step = Double(size) / Double(resized)
    let stretch = max(step, 1)
    let radius = (Rule.INTERPOLATION == "BILINEAR" ? 1.0 : 2.0) * stretch
    return (0..<count).map { i -> Taps in
        let centre = (Double(start + i) + 0.5) * step
        let first = max(0, Int(centre - radius + 0.5))
        let end = min(size, Int(centre + radius + 0.5))
        let weights = (first..<end).map { filterWeight((Double($0) - centre + 0.5) * (1 / stretch)) }
        let sum = weights.reduce(0, +)
        return Taps(first: first, weights: weights.map { Int32(($0 / sum * 4_194_304).rounded()) })
    }
}

/// Steps 2 and 3: resize the short side with an antialiasing filter, and of that only the middle; where `RESIZE_SHORT` is
/// 0, the whole picture. `HEIGHT` rows of `WIDTH` times red, green, blue.
///
/// The filter widens with the reduction, so that every source pixel counts, with Pillow's own arithmetic. Core Graphics
/// and Vision have filters of their own, which Apple does not describe: their pixels differ, which alone can cost a
/// point of accuracy.
func cropPicture(_ picture: Picture) -> [UInt8] {
    let shorter = min(picture.width, picture.height), longer = max(picture.width, picture.height)
    let resizedLong = Rule.RESIZE_SHORT * longer / shorter
    let portrait = picture.width <= picture.height
    let whole = Rule.RESIZE_SHORT == 0
    let width = whole ? Rule.WIDTH : portrait ? Rule.RESIZE_SHORT : resizedLong
    let height = whole ? Rule.HEIGHT : portrait ? resizedLong : Rule.RESIZE_SHORT
    let left = Int((Double(width - Rule.WIDTH) / 2).rounded(.toNearestOrEven))
    let top = Int((Double(height - Rule.HEIGHT) / 2).rounded(.toNearestOrEven))
    let columns = findTaps(size: picture.width, resized: width, start: left, count: Rule.WIDTH)
    let rows = findTaps(size: picture.height, resized: height, start: top, count: Rule.HEIGHT)
    let first = rows[0].first, end = rows[rows.count - 1].first + rows[rows.count - 1].weights.count
    let rowLength = 3 * Rule.WIDTH
    var narrow = [UInt8](repeating: 0, count: (end - first) * rowLength)
    for y in first..<end {
        for x in 0..<Rule.WIDTH {
            for c in 0..<3 {
                var sum: Int32 = 1 << 21
                for (k, weight) in columns[x].weights.enumerated() {
                    sum += weight * Int32(picture.rgba[4 * (y * picture.width + columns[x].first + k) + c])
                }
                narrow[(y - first) * rowLength + 3 * x + c] = UInt8(min(max(sum >> 22, 0), 255))
            }
        }
    }
    var crop = [UInt8](repeating: 0, count: Rule.HEIGHT * rowLength)
    for y in 0..<Rule.HEIGHT {
        for i in 0..<rowLength {
            var sum: Int32 = 1 << 21
            for (k, weight) in rows[y].weights.enumerated() {
                sum += weight * Int32(narrow[(rows[y].first - first + k) * rowLength + i])
            }
            crop[y * rowLength + i] = UInt8(min(max(sum >> 22, 0), 255))
        }
    }
    return crop
}

/// Step 4: (value * scale - mean) / std per channel; 0..255 goes in, never 0..1.
func normalize(_ crop: [UInt8]) -> [Float] {
    let factors = Rule.STD.map { Float(Rule.SCALE / $0) }
    let offsets = zip(Rule.MEAN, Rule.STD).map { Float(-$0 / $1) }
    return crop.indices.map { Float(crop[$0]) * factors[$0 % 3] + offsets[$0 % 3] }
}

/// Step 5: colours first, and the picture as often as the file takes pictures in one run.
///
/// The file takes 16-bit floats, which Swift has on Apple's own processors only; NSNumber writes them everywhere.
func layOut(_ picture: [Float], for model: MLModel) throws -> MLMultiArray {
    let wanted = model.modelDescription.inputDescriptionsByName["images"]?.multiArrayConstraint?.dataType
    let shape = [Rule.BATCH, 3, Rule.HEIGHT, Rule.WIDTH].map { NSNumber(value: $0) }
    let images = try MLMultiArray(shape: shape, dataType: wanted ?? .float16)
    let plane = Rule.HEIGHT * Rule.WIDTH
    for i in 0..<images.count { images[i] = NSNumber(value: picture[i % plane * 3 + i / plane % 3]) }
    return images
}

/// Step 6: compile the package and open it.
func openModel(_ package: URL) async throws -> MLModel {
    try MLModel(contentsOf: try await MLModel.compileModel(at: package))
}

/// What the model answers to the picture, in the order of its shape, the number of pictures left out.
struct Answers {
    let values: [Double]
    let shape: [Int]
}

/// Step 7: run it.
func run(_ model: MLModel, _ crop: [UInt8]) throws -> Answers {
    let images = try layOut(normalize(crop), for: model)
    let input = try MLDictionaryFeatureProvider(dictionary: ["images": MLFeatureValue(multiArray: images)])
    guard let logits = try model.prediction(from: input).featureValue(for: "logits")?.multiArrayValue
    else { throw Problem(description: "the model gives no logits") }
    let values = (0..<logits.count / Rule.BATCH).map { logits[$0].doubleValue }
    return Answers(values: values, shape: logits.shape.dropFirst().map { $0.intValue })
}
