// Classifies pictures with OpenVINO: every step from a picture file to class names, with the numbers of one bundle.
//
//     g++ -std=c++17 -O2 sample_openvino.cpp -lopenvino -o sample
//     ./sample BUNDLE picture.jpg [more.jpg ...]
//
// Put stb_image.h beside it, one public-domain file (github.com/nothings/stb) that decodes pictures. On JPEG files its
// crops lie at most 2 of 255 from those of libjpeg, 0.1 on average; give `crop_picture` the pixels of another decoder
// if you have one. edgesmith's tests compile this file and run it, with Pillow's pixels.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <openvino/openvino.hpp>

#include "picture.hpp"

class Model {
public:
    // Step 6: open the file. OpenVINO's own choice is bfloat16 where the processor has it, which moves logits by a per
    // cent; hence the hint.
    explicit Model(const std::filesystem::path& bundle)
        : request_(ov::Core()
                       .compile_model((bundle / MODEL).string(), "CPU",
                                      ov::hint::inference_precision(ov::element::f32))
                       .create_infer_request()) {}

    // Step 7: run it; the logits of the picture.
    std::vector<float> run(const std::vector<uint8_t>& crop) {
        if (PREPROCESSING_INSIDE)
            set_input(lay_out(crop), ov::element::u8);
        else
            set_input(lay_out(normalize(crop)), ov::element::f32);
        request_.infer();
        const ov::Tensor answers = request_.get_output_tensor();
        const float* logits = answers.data<float>();
        return {logits, logits + answers.get_size() / BATCH};
    }

private:
    template <typename Value>
    void set_input(const std::vector<Value>& images, const ov::element::Type& type) {
        const ov::Shape first{BATCH, 3, HEIGHT, WIDTH}, last{BATCH, HEIGHT, WIDTH, 3};
        ov::Tensor tensor(type, LAYOUT == "NCHW" ? first : last);
        std::copy(images.begin(), images.end(), tensor.data<Value>());
        request_.set_input_tensor(tensor);
    }

    ov::InferRequest request_;
};

#include "main_classes.hpp"
