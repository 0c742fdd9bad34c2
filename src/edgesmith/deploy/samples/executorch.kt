// Classifies pictures with ExecuTorch on Android: every step from a picture file to class names, with the numbers of
// one bundle. edgesmith's tests did not compile this file; its Python sibling is run by them.
//
//     dependencies { implementation("org.pytorch:executorch-android:1.0.0") }
//
// Add your package line, put the model and classes.txt into src/main/assets, set minSdk to 24 or more, then
// Classifier(context).classify(file.readBytes()).

import android.content.Context
import java.io.File
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

private class Model(context: Context) : AutoCloseable {
    private val module: Module

    /** Step 6: open the file. ExecuTorch reads files, not assets, hence the copy. */
    init {
        val file = File(context.filesDir, MODEL)
        context.assets.open(MODEL).use { asset -> file.outputStream().use { asset.copyTo(it) } }
        module = Module.load(file.absolutePath)
    }

    /** Step 7: run it; the logits of the picture. */
    fun run(crop: ByteArray): FloatArray {
        val images = if (PREPROCESSING_INSIDE) {
            Tensor.fromBlobUnsigned(layOut(crop), SHAPE)
        } else {
            Tensor.fromBlob(layOut(normalize(crop)), SHAPE)
        }
        val logits = module.forward(EValue.from(images))[0].toTensor().dataAsFloatArray
        return logits.copyOf(logits.size / BATCH)
    }

    override fun close() = module.destroy()
}
