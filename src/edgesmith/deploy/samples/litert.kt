// Classifies pictures with LiteRT on Android: every step from a picture file to class names, with the numbers of one
// bundle. edgesmith's tests did not compile this file; its Python sibling is run by them.
//
//     dependencies { implementation("com.google.ai.edge.litert:litert:2.1.0") }
//
// Add your package line, put the model and classes.txt into src/main/assets, set minSdk to 24 or more, then
// Classifier(context).classify(file.readBytes()).

import android.content.Context
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.round
import org.tensorflow.lite.DataType
import org.tensorflow.lite.InterpreterApi

private class Model(context: Context) : AutoCloseable {
    /** Step 6: open the file; the interpreter reads it in place, so the buffer stays. */
    private val file = context.assets.open(MODEL).use { it.readBytes() }.let { direct(it.size).put(it) }
    private val interpreter = InterpreterApi.create(file, InterpreterApi.Options())

    /** Step 7: run it; the logits of the picture. */
    fun run(crop: ByteArray): FloatArray {
        val images = inputOf(crop)
        val answers = direct(interpreter.getOutputTensor(0).numBytes())
        images.rewind()
        interpreter.run(images, answers)
        answers.rewind()
        return logitsOf(answers)
    }

    /** Integers stand for (stored - zeroPoint) * scale; the file says which. */
    private fun inputOf(crop: ByteArray): ByteBuffer {
        val tensor = interpreter.getInputTensor(0)
        val images = direct(tensor.numBytes())
        if (PREPROCESSING_INSIDE) return images.put(layOut(crop))
        val values = layOut(normalize(crop))
        if (tensor.dataType() == DataType.FLOAT32) {
            for (value in values) images.putFloat(value)
            return images
        }
        val scale = tensor.quantizationParams().scale
        val zeroPoint = tensor.quantizationParams().zeroPoint
        val range = if (tensor.dataType() == DataType.UINT8) 0..255 else -128..127
        for (value in values) {
            images.put((round(value / scale).toInt() + zeroPoint).coerceIn(range).toByte())
        }
        return images
    }

    private fun logitsOf(answers: ByteBuffer): FloatArray {
        val tensor = interpreter.getOutputTensor(0)
        val count = tensor.numElements() / BATCH
        if (tensor.dataType() == DataType.FLOAT32) return FloatArray(count) { answers.float }
        val scale = tensor.quantizationParams().scale
        val zeroPoint = tensor.quantizationParams().zeroPoint
        val mask = if (tensor.dataType() == DataType.UINT8) 255 else -1
        return FloatArray(count) { ((answers.get().toInt() and mask) - zeroPoint) * scale }
    }

    override fun close() = interpreter.close()
}

private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
