// From a picture file to what the model reads: the steps that all Kotlin samples share, and their numbers.

import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.media.ExifInterface
import android.os.Build
import java.io.ByteArrayInputStream
import kotlin.math.abs
import kotlin.math.max
import kotlin.math.min
import kotlin.math.round
import kotlin.math.roundToInt

private const val MODEL = "model.onnx"
private const val HEIGHT = 224
private const val WIDTH = 224
private const val RESIZE_SHORT = 256
private const val INTERPOLATION = "BILINEAR"
private const val APPLY_ORIENTATION = true
private const val SCALE = 0.00392156862745098
private val MEAN = doubleArrayOf(0.485, 0.456, 0.406)
private val STD = doubleArrayOf(0.229, 0.224, 0.225)
private const val PREPROCESSING_INSIDE = false
private const val LAYOUT = "NCHW"
private const val BATCH = 1

private val SHAPE: LongArray
    get() = (if (LAYOUT == "NCHW") listOf(BATCH, 3, HEIGHT, WIDTH) else listOf(BATCH, HEIGHT, WIDTH, 3))
        .map { it.toLong() }.toLongArray()

/** Pixels row by row, red in bits 16 to 23, green in 8 to 15, blue in 0 to 7. */
class Picture(val width: Int, val height: Int, val pixels: IntArray)

/**
 * Step 1: decode, lay transparency on white, turn upright as the EXIF tag asks.
 *
 * Android's decoder may differ from libjpeg's by a unit or two here and there. Its colours would be converted to sRGB
 * where a file names another space; naming the space sRGB keeps the values as they are stored.
 */
fun loadPicture(file: ByteArray): Picture {
    val options = BitmapFactory.Options()
    options.inPremultiplied = false
    val bitmap = requireNotNull(BitmapFactory.decodeByteArray(file, 0, file.size, options)) { "not a picture" }
    if (Build.VERSION.SDK_INT >= 29) bitmap.setColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
    val pixels = IntArray(bitmap.width * bitmap.height)
    bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
    val picture = Picture(bitmap.width, bitmap.height, pixels)
    bitmap.recycle()
    for (i in pixels.indices) pixels[i] = onWhite(pixels[i])
    if (!APPLY_ORIENTATION) return picture
    val exif = ExifInterface(ByteArrayInputStream(file))
    return turnUpright(picture, exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, 1))
}

private fun onWhite(pixel: Int): Int {
    val alpha = pixel ushr 24
    if (alpha == 255) return pixel
    var result = 0
    for (shift in intArrayOf(16, 8, 0)) {
        val value = (pixel shr shift) and 255
        result = result or (((value * alpha + 255 * (255 - alpha) + 127) / 255) shl shift)
    }
    return result
}

/** `orientation` is where the top is, 1 to 8 as in EXIF. */
fun turnUpright(stored: Picture, orientation: Int): Picture {
    if (orientation !in 2..8) return stored
    val swap = orientation >= 5
    val mirrorX = orientation in intArrayOf(2, 3, 7, 8)
    val mirrorY = orientation in intArrayOf(3, 4, 6, 7)
    val width = if (swap) stored.height else stored.width
    val height = if (swap) stored.width else stored.height
    val pixels = IntArray(width * height)
    for (y in 0 until height) {
        for (x in 0 until width) {
            val column = if (swap) y else x
            val row = if (swap) x else y
            val fromX = if (mirrorX) stored.width - 1 - column else column
            val fromY = if (mirrorY) stored.height - 1 - row else row
            pixels[y * width + x] = stored.pixels[fromY * stored.width + fromX]
        }
    }
    return Picture(width, height, pixels)
}

/** The source pixels that one pixel of the resized picture is made of, with weights in units of 2^-22. */
private class Taps(val first: Int, val weights: IntArray)

private fun filterWeight(distance: Double): Double {
    val x = abs(distance)
    return when {
        INTERPOLATION == "BILINEAR" -> max(0.0, 1.0 - x)
        x < 1.0 -> (1.5 * x - 2.5) * x * x + 1.0
        x < 2.0 -> ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
        else -> 0.0
    }
}

/** The taps of `count` pixels from `start` on, along one side that is resized from `size` to `resized` pixels. */
private fun findTaps(size: Int, resized: Int, start: Int, count: Int): List<Taps> {
    val step = size.toDouble() / resized
    val stretch = max(step, 1.0)
    val radius = (if (INTERPOLATION == "BILINEAR") 1.0 else 2.0) * stretch
    return List(count) { i ->
        val centre = (start + i + 0.5) * step
        val first = max(0, (centre - radius + 0.5).toInt())
        val end = min(size, (centre + radius + 0.5).toInt())
        val weights = DoubleArray(end - first) { k -> filterWeight((first + k - centre + 0.5) * (1.0 / stretch)) }
        val sum = weights.sum()
        Taps(first, IntArray(weights.size) { k -> (weights[k] / sum * (1 shl 22)).roundToInt() })
    }
}

/**
 * Steps 2 and 3: resize the short side with an antialiasing filter, and of that only the middle; where `RESIZE_SHORT` is
 * 0, the whole picture. `HEIGHT` rows of `WIDTH` times red, green, blue.
 *
 * The filter widens with the reduction, so that every source pixel counts, as in Pillow, with the same result to the
 * bit. Bitmap.createScaledBitmap looks at four pixels however far it reduces: on a photograph reduced to a quarter its
 * values lie 9 of 255 off on average, which alone can cost a point of accuracy.
 */
fun cropPicture(picture: Picture): ByteArray {
    val shorter = min(picture.width, picture.height)
    val longer = max(picture.width, picture.height)
    val resizedLong = (RESIZE_SHORT.toLong() * longer / shorter).toInt()
    val portrait = picture.width <= picture.height
    val whole = RESIZE_SHORT == 0
    val width = if (whole) WIDTH else if (portrait) RESIZE_SHORT else resizedLong
    val height = if (whole) HEIGHT else if (portrait) resizedLong else RESIZE_SHORT
    val columns = findTaps(picture.width, width, round((width - WIDTH) / 2.0).toInt(), WIDTH)
    val rows = findTaps(picture.height, height, round((height - HEIGHT) / 2.0).toInt(), HEIGHT)
    val top = rows.first().first
    val bottom = rows.last().first + rows.last().weights.size
    val narrow = IntArray((bottom - top) * WIDTH * 3)
    for (y in top until bottom) {
        for (x in 0 until WIDTH) {
            for (c in 0 until 3) {
                var sum = 1 shl 21
                val start = y * picture.width + columns[x].first
                columns[x].weights.forEachIndexed { k, weight ->
                    sum += weight * ((picture.pixels[start + k] shr (16 - 8 * c)) and 255)
                }
                narrow[((y - top) * WIDTH + x) * 3 + c] = (sum shr 22).coerceIn(0, 255)
            }
        }
    }
    val crop = ByteArray(HEIGHT * WIDTH * 3)
    for (y in 0 until HEIGHT) {
        for (i in 0 until WIDTH * 3) {
            var sum = 1 shl 21
            rows[y].weights.forEachIndexed { k, weight ->
                sum += weight * narrow[(rows[y].first - top + k) * WIDTH * 3 + i]
            }
            crop[y * WIDTH * 3 + i] = (sum shr 22).coerceIn(0, 255).toByte()
        }
    }
    return crop
}

/** Step 4: (value * scale - mean) / std per channel; 0..255 goes in, never 0..1. */
fun normalize(crop: ByteArray): FloatArray = FloatArray(crop.size) { i ->
    (crop[i].toInt() and 255) * (SCALE / STD[i % 3]).toFloat() + (-MEAN[i % 3] / STD[i % 3]).toFloat()
}

/** Step 5: where a value of the input comes from: colours first or last, the picture as often as the file takes. */
private fun sourceOf(index: Int): Int {
    val i = index % (3 * HEIGHT * WIDTH)
    return if (LAYOUT == "NCHW") i % (HEIGHT * WIDTH) * 3 + i / (HEIGHT * WIDTH) else i
}

fun layOut(picture: FloatArray): FloatArray = FloatArray(BATCH * picture.size) { picture[sourceOf(it)] }

fun layOut(picture: ByteArray): ByteArray = ByteArray(BATCH * picture.size) { picture[sourceOf(it)] }
