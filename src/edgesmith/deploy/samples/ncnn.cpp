// Classifies pictures with ncnn: every step from a picture file to class names, with the numbers of one bundle.
//
//     g++ -std=c++17 -O2 sample_ncnn.cpp -lncnn -fopenmp -o sample
//     ./sample BUNDLE picture.jpg [more.jpg ...]
//
// Put stb_image.h beside it, one public-domain file (github.com/nothings/stb) that decodes pictures. On JPEG files its
// crops lie at most 2 of 255 from those of libjpeg, 0.1 on average; give `crop_picture` the pixels of another decoder
// if you have one. edgesmith's tests compile and run the steps before the model, with Pillow's pixels, and the whole
// where ncnn's headers are installed.
#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <ncnn/net.h>

#include "picture.hpp"

class Model {
public:
    // Step 6: open the files; arithmetic and storage in float32.
    explicit Model(const std::filesystem::path& bundle) {
        net_.opt.use_vulkan_compute = false;
        net_.opt.use_fp16_packed = net_.opt.use_fp16_storage = net_.opt.use_fp16_arithmetic = false;
        const std::filesystem::path param = bundle / MODEL;
        const std::filesystem::path weights = std::filesystem::path(param).replace_extension(".bin");
        if (net_.load_param(param.string().c_str()) != 0 || net_.load_model(weights.string().c_str()) != 0)
            throw std::runtime_error(param.string() + " cannot be loaded");
    }

    // Step 7: run it; the logits of the picture. A Mat may have gaps between its planes, hence copies plane by plane.
    std::vector<float> run(const std::vector<uint8_t>& crop) {
        const std::vector<float> images = lay_out(normalize(crop));
        ncnn::Mat input(WIDTH, HEIGHT, 3);
        for (int c = 0; c < 3; ++c)
            std::copy_n(&images[size_t(c) * HEIGHT * WIDTH], HEIGHT * WIDTH, static_cast<float*>(input.channel(c)));
        ncnn::Extractor extractor = net_.create_extractor();
        ncnn::Mat answers;
        extractor.input("in0", input);
        if (extractor.extract("out0", answers) != 0) throw std::runtime_error("the model does not run");
        std::vector<float> logits;
        for (int c = 0; c < answers.c; ++c) {
            const float* plane = answers.channel(c);
            logits.insert(logits.end(), plane, plane + size_t(answers.w) * answers.h);
        }
        return logits;
    }

private:
    ncnn::Net net_;
};

#include "main_classes.hpp"
