// Classifies pictures with ONNX Runtime on Android: every step from a picture file to class names, with the numbers of
// one bundle. edgesmith's tests did not compile this file; its Python sibling is run by them.
//
//     dependencies { implementation("com.microsoft.onnxruntime:onnxruntime-android:1.22.0") }
//
// Add your package line, put the model and classes.txt into src/main/assets, set minSdk to 24 or more, then
// Classifier(context).classify(file.readBytes()).

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import android.content.Context
import java.nio.ByteBuffer
import java.nio.FloatBuffer

private class Model(context: Context) : AutoCloseable {
    private val environment = OrtEnvironment.getEnvironment()

    /** Step 6: open the file. */
    private val session = environment.createSession(context.assets.open(MODEL).use { it.readBytes() })

    /** Step 7: run it; the logits of the picture. */
    fun run(crop: ByteArray): FloatArray = inputOf(crop).use { images ->
        session.run(mapOf("images" to images)).use { answers ->
            val logits = (answers[0] as OnnxTensor).floatBuffer
            FloatArray(logits.remaining() / BATCH).also { logits.get(it) }
        }
    }

    private fun inputOf(crop: ByteArray): OnnxTensor =
        if (PREPROCESSING_INSIDE) {
            OnnxTensor.createTensor(environment, ByteBuffer.wrap(layOut(crop)), SHAPE, OnnxJavaType.UINT8)
        } else {
            OnnxTensor.createTensor(environment, FloatBuffer.wrap(layOut(normalize(crop))), SHAPE)
        }

    override fun close() = session.close()
}
