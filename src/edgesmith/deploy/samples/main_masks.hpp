// What the C++ samples of segmenters do with answers: masks into files beside the pictures.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

constexpr int ANSWER_HEIGHT = 224;
constexpr int ANSWER_WIDTH = 224;
constexpr std::string_view RESIZE_LEFT = "";

// What one new place takes of the old ones.
struct Share {
    int first = 0;
    std::vector<double> weights;
};

// Step 8: how a file's answers become those of the model's input size, where it leaves that to others.
std::vector<Share> enlarging_shares(int old_size, int new_size) {
    std::vector<Share> shares(new_size);
    for (int i = 0; i < new_size; ++i) {
        const double aligned = double(i) * (old_size - 1) / std::max(new_size - 1, 1);
        const double half = (i + 0.5) * old_size / new_size - 0.5;
        const double place = std::clamp(RESIZE_LEFT == "half" ? half : aligned, 0.0, double(old_size - 1));
        const int first = std::min(int(place), std::max(old_size - 2, 0));
        shares[i] = {first, {1 - (place - first)}};
        if (old_size > 1) shares[i].weights.push_back(place - first);
    }
    return shares;
}

// Step 9: how planes are resized to the picture: bilinear, with a filter that widens with the reduction.
std::vector<Share> resizing_shares(int old_size, int new_size) {
    const double step = double(old_size) / new_size, stretch = std::max(step, 1.0);
    std::vector<Share> shares(new_size);
    for (int i = 0; i < new_size; ++i) {
        const double centre = (i + 0.5) * step;
        const int first = std::max(0, int(centre - stretch + 0.5)), end = std::min(old_size, int(centre + stretch + 0.5));
        double sum = 0;
        shares[i].first = first;
        for (int k = first; k < end; ++k) {
            shares[i].weights.push_back(std::max(0.0, 1.0 - std::abs((k - centre + 0.5) / stretch)));
            sum += shares[i].weights.back();
        }
        for (double& weight : shares[i].weights) weight /= sum;
    }
    return shares;
}

// One plane of `width` columns, put together from shares: first along its rows, then down its columns.
std::vector<float> resize(const std::vector<float>& plane, int width, const std::vector<Share>& columns,
                          const std::vector<Share>& rows) {
    const size_t height = plane.size() / width, across = columns.size();
    std::vector<float> narrow(height * across), resized(rows.size() * across);
    for (size_t y = 0; y < height; ++y)
        for (size_t x = 0; x < across; ++x) {
            double sum = 0;
            for (size_t k = 0; k < columns[x].weights.size(); ++k)
                sum += columns[x].weights[k] * plane[y * width + columns[x].first + k];
            narrow[y * across + x] = float(sum);
        }
    for (size_t y = 0; y < rows.size(); ++y)
        for (size_t x = 0; x < across; ++x) {
            double sum = 0;
            for (size_t k = 0; k < rows[y].weights.size(); ++k)
                sum += rows[y].weights[k] * narrow[(rows[y].first + k) * across + x];
            resized[y * across + x] = float(sum);
        }
    return resized;
}

// Step 10: the best class of each pixel of the picture, row by row.
std::vector<uint8_t> find_mask(const std::vector<float>& logits, size_t num_classes, const Picture& picture) {
    const size_t size = logits.size() / num_classes, pixels = size_t(picture.width) * picture.height;
    std::vector<uint8_t> mask(pixels);
    std::vector<float> best(pixels, -std::numeric_limits<float>::infinity());
    for (size_t index = 0; index < num_classes; ++index) {
        std::vector<float> plane(logits.begin() + index * size, logits.begin() + (index + 1) * size);
        int height = ANSWER_HEIGHT, width = ANSWER_WIDTH;
        if (!RESIZE_LEFT.empty()) {
            plane = resize(plane, width, enlarging_shares(width, WIDTH), enlarging_shares(height, HEIGHT));
            height = HEIGHT, width = WIDTH;
        }
        plane = resize(plane, width, resizing_shares(width, picture.width), resizing_shares(height, picture.height));
        for (size_t i = 0; i < pixels; ++i)
            if (plane[i] > best[i]) best[i] = plane[i], mask[i] = uint8_t(index);
    }
    return mask;
}

// Step 11: a PGM file beside the picture, a byte of class index a pixel, and the share of each class.
void write_mask(const std::vector<uint8_t>& mask, const std::vector<std::string>& classes, const Picture& picture,
                const std::filesystem::path& path) {
    std::ofstream file(path.parent_path() / (path.stem().string() + "_mask.pgm"), std::ios::binary);
    file << "P5 " << picture.width << " " << picture.height << " 255\n";
    file.write(reinterpret_cast<const char*>(mask.data()), std::streamsize(mask.size()));
    std::printf("%s\n", path.string().c_str());
    for (size_t index = 0; index < classes.size(); ++index) {
        const auto count = std::count(mask.begin(), mask.end(), uint8_t(index));
        if (count > 0) std::printf("  %.7f  %s\n", double(count) / mask.size(), classes[index].c_str());
    }
}

void show(const std::vector<float>& logits, const std::vector<std::string>& classes, const Picture& picture,
          const char* path) {
    write_mask(find_mask(logits, classes.size(), picture), classes, picture, path);
}

#include "main.hpp"
