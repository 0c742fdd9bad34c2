// From a picture file to what the model reads: the steps that all C++ samples share, and their numbers.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#define STB_IMAGE_IMPLEMENTATION
#include "stb_image.h"

constexpr std::string_view MODEL = "model.xml";
constexpr int HEIGHT = 224;
constexpr int WIDTH = 224;
constexpr int RESIZE_SHORT = 256;
constexpr std::string_view INTERPOLATION = "BILINEAR";
constexpr bool APPLY_ORIENTATION = true;
constexpr double SCALE = 0.00392156862745098;
constexpr double MEAN[] = {0.485, 0.456, 0.406};
constexpr double STD[] = {0.229, 0.224, 0.225};
constexpr bool PREPROCESSING_INSIDE = false;
constexpr std::string_view LAYOUT = "NCHW";
constexpr int BATCH = 1;

struct Picture {
    int width = 0, height = 0;
    std::vector<uint8_t> rgb;  // row by row, three values a pixel
};

// Where the EXIF data of a JPEG file say that its top is: 1 to 8, 1 for upright or unknown.
inline int read_orientation(const std::vector<uint8_t>& file) {
    auto big = [&](size_t at) { return at + 2 > file.size() ? 0 : file[at] << 8 | file[at + 1]; };
    if (big(0) != 0xFFD8) return 1;
    size_t segment = 2;
    while ((big(segment) & 0xFF00) == 0xFF00 && big(segment) != 0xFFDA) {
        const size_t tiff = segment + 10;
        if (big(segment) == 0xFFE1 && big(segment + 4) == 0x4578 && big(segment + 6) == 0x6966) {  // "Exif"
            const bool little = big(tiff) == 0x4949;
            auto number = [&](size_t at) { return little ? big(at) >> 8 | (big(at) & 255) << 8 : big(at); };
            const size_t entries = tiff + number(tiff + (little ? 4 : 6));
            for (int i = 0; i < number(entries); ++i)
                if (number(entries + 2 + 12 * i) == 0x0112) return number(entries + 10 + 12 * i);
        }
        segment += 2 + big(segment + 2);
    }
    return 1;
}

inline Picture turn_upright(const Picture& stored, int orientation) {
    const bool swap = orientation >= 5 && orientation <= 8;
    const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    Picture upright{swap ? stored.height : stored.width, swap ? stored.width : stored.height, {}};
    upright.rgb.reserve(stored.rgb.size());
    for (int y = 0; y < upright.height; ++y) {
        for (int x = 0; x < upright.width; ++x) {
            const int from_x = mirror_x ? stored.width - 1 - (swap ? y : x) : (swap ? y : x);
            const int from_y = mirror_y ? stored.height - 1 - (swap ? x : y) : (swap ? x : y);
            const uint8_t* pixel = &stored.rgb[3 * (size_t(from_y) * stored.width + from_x)];
            upright.rgb.insert(upright.rgb.end(), pixel, pixel + 3);
        }
    }
    return upright;
}

// Step 1: decode, lay transparency on white, turn upright as the EXIF tag asks.
inline Picture load_picture(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<uint8_t> file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    int width = 0, height = 0, channels = 0;
    uint8_t* rgba = stbi_load_from_memory(file.data(), int(file.size()), &width, &height, &channels, 4);
    if (rgba == nullptr) throw std::runtime_error(path.string() + " cannot be read as a picture");
    Picture picture{width, height, {}};
    picture.rgb.reserve(size_t(3) * width * height);
    for (size_t i = 0; i < size_t(width) * height; ++i)
        for (int c = 0; c < 3; ++c)
            picture.rgb.push_back((rgba[4 * i + c] * rgba[4 * i + 3] + 255 * (255 - rgba[4 * i + 3]) + 127) / 255);
    stbi_image_free(rgba);
    const int orientation = APPLY_ORIENTATION ? read_orientation(file) : 1;
    return orientation > 1 ? turn_upright(picture, orientation) : picture;
}

// The source pixels that one pixel of the resized picture is made of, with weights in units of 2^-22.
struct Taps {
    int first = 0;
    std::vector<int> weights;
};

inline double filter_weight(double x) {
    x = std::abs(x);
    if (INTERPOLATION == "BILINEAR") return std::max(0.0, 1.0 - x);
    if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
    return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

// The taps of `count` pixels from `start` on, along one side that is resized from `size` to `resized` pixels.
inline std::vector<Taps> find_taps(int size, int resized, int start, int count) {
    const double step = double(size) / resized, stretch = std::max(step, 1.0);
    const double radius = (INTERPOLATION == "BILINEAR" ? 1.0 : 2.0) * stretch;
    std::vector<Taps> taps(count);
    for (int i = 0; i < count; ++i) {
        const double centre = (start + i + 0.5) * step;
        const int first = std::max(0, int(centre - radius + 0.5)), end = std::min(size, int(centre + radius + 0.5));
        std::vector<double> weights;
        double sum = 0;
        for (int k = first; k < end; ++k) {
            weights.push_back(filter_weight((k - centre + 0.5) * (1.0 / stretch)));
            sum += weights.back();
        }
        taps[i].first = first;
        for (double weight : weights) taps[i].weights.push_back(int(std::lround(weight / sum * (1 << 22))));
    }
    return taps;
}

// `step` lies between the pixels that are added up.
inline uint8_t add_up(const Taps& taps, const uint8_t* pixel, size_t step) {
    int sum = 1 << 21;
    for (size_t k = 0; k < taps.weights.size(); ++k) sum += taps.weights[k] * pixel[k * step];
    return uint8_t(std::clamp(sum >> 22, 0, 255));
}

// Steps 2 and 3: resize the short side with an antialiasing filter, and of that only the middle; where RESIZE_SHORT is 0,
// the whole picture to HEIGHT x WIDTH.
//
// The filter widens with the reduction, so that every source pixel counts, as in Pillow, with the same result to the
// bit. A plain bilinear resize (OpenCV's INTER_LINEAR, a GPU's sampler) looks at four pixels however far it reduces: on
// a photograph reduced to a quarter its values lie 9 of 255 off on average, which alone can cost a point of accuracy.
inline std::vector<uint8_t> crop_picture(const Picture& picture) {
    const int shorter = std::min(picture.width, picture.height), longer = std::max(picture.width, picture.height);
    const int resized_long = int(int64_t(RESIZE_SHORT) * longer / shorter);
    const bool portrait = picture.width <= picture.height;
    const bool whole = RESIZE_SHORT == 0;
    const int width = whole ? WIDTH : portrait ? RESIZE_SHORT : resized_long;
    const int height = whole ? HEIGHT : portrait ? resized_long : RESIZE_SHORT;
    const int left = int(std::nearbyint((width - WIDTH) / 2.0)), top = int(std::nearbyint((height - HEIGHT) / 2.0));
    const std::vector<Taps> columns = find_taps(picture.width, width, left, WIDTH);
    const std::vector<Taps> rows = find_taps(picture.height, height, top, HEIGHT);
    const int first = rows.front().first, end = rows.back().first + int(rows.back().weights.size());
    std::vector<uint8_t> narrow(size_t(end - first) * WIDTH * 3), crop(size_t(HEIGHT) * WIDTH * 3);
    for (int y = first; y < end; ++y)
        for (int x = 0; x < WIDTH; ++x)
            for (int c = 0; c < 3; ++c)
                narrow[(size_t(y - first) * WIDTH + x) * 3 + c] = add_up(
                    columns[x], &picture.rgb[(size_t(y) * picture.width + columns[x].first) * 3 + c], 3);
    for (int y = 0; y < HEIGHT; ++y)
        for (int i = 0; i < WIDTH * 3; ++i)
            crop[size_t(y) * WIDTH * 3 + i] =
                add_up(rows[y], &narrow[size_t(rows[y].first - first) * WIDTH * 3 + i], size_t(WIDTH) * 3);
    return crop;
}

// Step 4: (value * scale - mean) / std per channel; 0..255 goes in, never 0..1.
inline std::vector<float> normalize(const std::vector<uint8_t>& crop) {
    std::vector<float> values(crop.size());
    for (size_t i = 0; i < crop.size(); ++i)
        values[i] = float(crop[i]) * float(SCALE / STD[i % 3]) + float(-MEAN[i % 3] / STD[i % 3]);
    return values;
}

// Step 5: colours first or last, and the picture as often as the file takes pictures in one run.
template <typename Value>
std::vector<Value> lay_out(const std::vector<Value>& picture) {
    std::vector<Value> images;
    images.reserve(BATCH * picture.size());
    const size_t colours = LAYOUT == "NCHW" ? 3 : 1;
    for (int n = 0; n < BATCH; ++n)
        for (size_t c = 0; c < colours; ++c)
            for (size_t i = c; i < picture.size(); i += colours) images.push_back(picture[i]);
    return images;
}
