// The end of the Kotlin samples of detectors: boxes.

import android.content.Context
import kotlin.math.max
import kotlin.math.min

private const val LEAST_SCORE = 0.5f
private const val MOST_OVERLAP = 0.55f

/** Corners in pixels of the picture. */
class FoundBox(
    val name: String,
    val score: Float,
    val left: Float,
    val top: Float,
    val right: Float,
    val bottom: Float,
)

/** Make one, keep it, and call it from one thread at a time, not the main one. */
class Detector(context: Context) : AutoCloseable {
    private val classes = context.assets.open("classes.txt").bufferedReader().use { it.readLines() }
    private val model = Model(context)

    /**
     * Step 9: for each class take what is sure enough, and suppress.
     *
     * A row of answers has four corners as shares of the picture, then scores, those of the background first.
     *
     * @param file The bytes of a JPEG, PNG or WebP file.
     */
    fun detect(file: ByteArray): List<FoundBox> {
        val picture = loadPicture(file)
        val answers = model.run(cropPicture(picture))
        val length = 5 + classes.size
        val rows = List(answers.size / length) { answers.copyOfRange(it * length, (it + 1) * length) }
        return classes.indices.flatMap { index ->
            val sure = rows.filter { it[5 + index] >= LEAST_SCORE }.sortedByDescending { it[5 + index] }
            suppress(sure).map { row ->
                FoundBox(
                    classes[index],
                    row[5 + index],
                    row[0] * picture.width,
                    row[1] * picture.height,
                    row[2] * picture.width,
                    row[3] * picture.height,
                )
            }
        }
    }

    /** Step 8: of boxes of one class, the best first, those that no better one overlaps too much. */
    private fun suppress(boxes: List<FloatArray>): List<FloatArray> {
        val kept = mutableListOf<FloatArray>()
        for (box in boxes) if (kept.none { overlap(box, it) > MOST_OVERLAP }) kept += box
        return kept
    }

    private fun overlap(a: FloatArray, b: FloatArray): Float {
        val width = max(0f, min(a[2], b[2]) - max(a[0], b[0]))
        val height = max(0f, min(a[3], b[3]) - max(a[1], b[1]))
        val shared = width * height
        val union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
        return if (union > 0f) shared / union else 0f
    }

    override fun close() = model.close()
}
