// What the C++ samples of detectors do with answers: boxes to the screen.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

constexpr float LEAST_SCORE = 0.5f;
constexpr float MOST_OVERLAP = 0.55f;

using Box = std::array<float, 4>;  // left, top, right, bottom, as shares of the picture

// Step 8: whether a box overlaps a better one of its class too much.
bool overlaps(const Box& box, const Box& better) {
    const float width = std::max(0.0f, std::min(box[2], better[2]) - std::max(box[0], better[0]));
    const float height = std::max(0.0f, std::min(box[3], better[3]) - std::max(box[1], better[1]));
    const float shared = width * height;
    const float area = (box[2] - box[0]) * (box[3] - box[1]);
    const float whole = area + (better[2] - better[0]) * (better[3] - better[1]) - shared;
    return whole > 0 && shared / whole > MOST_OVERLAP;
}

// Step 9: for each class take what is sure enough, suppress, and print corners in pixels of the picture. A row of answers
// has four corners, then scores, those of the background first.
void show(const std::vector<float>& answers, const std::vector<std::string>& classes, const Picture& picture,
          const char* path) {
    std::printf("%s\n", path);
    const size_t length = 5 + classes.size();
    for (size_t index = 0; index < classes.size(); ++index) {
        std::vector<const float*> sure;
        for (size_t at = 0; at + length <= answers.size(); at += length)
            if (answers[at + 5 + index] >= LEAST_SCORE) sure.push_back(&answers[at]);
        std::stable_sort(sure.begin(), sure.end(),
                         [&](const float* a, const float* b) { return a[5 + index] > b[5 + index]; });
        std::vector<Box> kept;
        for (const float* row : sure) {
            const Box box{row[0], row[1], row[2], row[3]};
            if (std::any_of(kept.begin(), kept.end(), [&](const Box& better) { return overlaps(box, better); })) continue;
            kept.push_back(box);
            std::printf("  %.4f  %s  %.1f %.1f %.1f %.1f\n", row[5 + index], classes[index].c_str(),
                        box[0] * picture.width, box[1] * picture.height, box[2] * picture.width,
                        box[3] * picture.height);
        }
    }
}

#include "main.hpp"
