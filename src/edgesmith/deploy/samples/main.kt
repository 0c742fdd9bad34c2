// The end that all Kotlin samples share: class names and scores.

import android.content.Context
import kotlin.math.exp

/** Make one, keep it, and call it from one thread at a time, not the main one. */
class Classifier(context: Context) : AutoCloseable {
    private val classes = context.assets.open("classes.txt").bufferedReader().use { it.readLines() }
    private val model = Model(context)

    /**
     * Step 8: the best classes with their probabilities, best first.
     *
     * @param file The bytes of a JPEG, PNG or WebP file.
     */
    fun classify(file: ByteArray, best: Int = 5): List<Pair<String, Double>> {
        val logits = model.run(cropPicture(loadPicture(file)))
        val largest = logits.maxOrNull() ?: return emptyList()
        val exponentials = logits.map { exp((it - largest).toDouble()) }
        val sum = exponentials.sum()
        return exponentials.indices.sortedByDescending { exponentials[it] }.take(best)
            .map { classes[it] to exponentials[it] / sum }
    }

    override fun close() = model.close()
}
