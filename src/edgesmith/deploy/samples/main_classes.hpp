// What the C++ samples of classifiers do with answers: class names and scores to the screen.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

// Step 8: turn the logits into probabilities, and print the five best classes.
void show(const std::vector<float>& logits, const std::vector<std::string>& classes, const Picture&, const char* path) {
    std::printf("%s\n", path);
    const float largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (float logit : logits) sum += std::exp(double(logit) - largest);
    std::vector<size_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
    order.resize(std::min<size_t>(order.size(), 5));
    for (size_t i : order)
        std::printf("  %.7f  %s\n", std::exp(double(logits[i]) - largest) / sum, classes.at(i).c_str());
}

#include "main.hpp"
