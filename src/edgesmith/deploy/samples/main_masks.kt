// The end of the Kotlin samples of segmenters: masks.

import android.content.Context
import kotlin.math.abs
import kotlin.math.max
import kotlin.math.min

private const val ANSWER_HEIGHT = 224
private const val ANSWER_WIDTH = 224
private const val RESIZE_LEFT = ""

/** Indices of classes, row by row, in the picture's own size. */
class Mask(val width: Int, val height: Int, val classes: ByteArray)

/** What one new place takes of the old ones. */
private class Share(val first: Int, val weights: DoubleArray)

/** Step 8: how a file's answers become those of the model's input size, where it leaves that to others. */
private fun enlargingShares(old: Int, new: Int): List<Share> = List(new) { i ->
    val aligned = i.toDouble() * (old - 1) / max(new - 1, 1)
    val half = (i + 0.5) * old / new - 0.5
    val place = (if (RESIZE_LEFT == "half") half else aligned).coerceIn(0.0, (old - 1).toDouble())
    val first = min(place.toInt(), max(old - 2, 0))
    Share(first, if (old > 1) doubleArrayOf(1 - (place - first), place - first) else doubleArrayOf(1.0))
}

/** Step 9: how planes are resized to the picture: bilinear, with a filter that widens with the reduction. */
private fun resizingShares(old: Int, new: Int): List<Share> {
    val step = old.toDouble() / new
    val stretch = max(step, 1.0)
    return List(new) { i ->
        val centre = (i + 0.5) * step
        val first = max(0, (centre - stretch + 0.5).toInt())
        val end = min(old, (centre + stretch + 0.5).toInt())
        val weights = DoubleArray(end - first) { k -> max(0.0, 1.0 - abs((first + k - centre + 0.5) / stretch)) }
        val sum = weights.sum()
        Share(first, DoubleArray(weights.size) { weights[it] / sum })
    }
}

/** One plane of `width` columns, put together from shares: first along its rows, then down its columns. */
private fun resize(plane: FloatArray, width: Int, columns: List<Share>, rows: List<Share>): FloatArray {
    val height = plane.size / width
    val narrow = FloatArray(height * columns.size)
    for (y in 0 until height) {
        columns.forEachIndexed { x, share ->
            var sum = 0.0
            share.weights.forEachIndexed { k, weight -> sum += weight * plane[y * width + share.first + k] }
            narrow[y * columns.size + x] = sum.toFloat()
        }
    }
    val resized = FloatArray(rows.size * columns.size)
    rows.forEachIndexed { y, share ->
        for (x in columns.indices) {
            var sum = 0.0
            share.weights.forEachIndexed { k, weight -> sum += weight * narrow[(share.first + k) * columns.size + x] }
            resized[y * columns.size + x] = sum.toFloat()
        }
    }
    return resized
}

/** Make one, keep it, and call it from one thread at a time, not the main one. */
class Segmenter(context: Context) : AutoCloseable {
    val classes = context.assets.open("classes.txt").bufferedReader().use { it.readLines() }
    private val model = Model(context)

    /**
     * Step 10: the best class of each pixel.
     *
     * @param file The bytes of a JPEG, PNG or WebP file.
     */
    fun segment(file: ByteArray): Mask {
        val picture = loadPicture(file)
        val logits = model.run(cropPicture(picture))
        val size = logits.size / classes.size
        val mask = ByteArray(picture.width * picture.height)
        val best = FloatArray(mask.size) { Float.NEGATIVE_INFINITY }
        for (index in classes.indices) {
            val plane = resizeToPicture(logits.copyOfRange(index * size, (index + 1) * size), picture)
            for (i in mask.indices) {
                if (plane[i] > best[i]) {
                    best[i] = plane[i]
                    mask[i] = index.toByte()
                }
            }
        }
        return Mask(picture.width, picture.height, mask)
    }

    private fun resizeToPicture(answers: FloatArray, picture: Picture): FloatArray {
        var plane = answers
        var height = ANSWER_HEIGHT
        var width = ANSWER_WIDTH
        if (RESIZE_LEFT.isNotEmpty()) {
            plane = resize(plane, width, enlargingShares(width, WIDTH), enlargingShares(height, HEIGHT))
            height = HEIGHT
            width = WIDTH
        }
        return resize(plane, width, resizingShares(width, picture.width), resizingShares(height, picture.height))
    }

    override fun close() = model.close()
}
