// The end that all C++ samples share: pictures from the command line, class names and scores to the screen.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

// Step 8: turn the logits into probabilities, and print the five best classes.
void print_best(const std::vector<float>& logits, const std::vector<std::string>& classes) {
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

int main(int count, char** arguments) try {
    if (count < 3) {
        std::fprintf(stderr, "usage: %s BUNDLE picture.jpg [more.jpg ...]\n", arguments[0]);
        return 2;
    }
    const std::filesystem::path bundle = arguments[1];
    std::ifstream stream(bundle / "classes.txt");
    std::vector<std::string> classes;
    for (std::string line; std::getline(stream, line);) classes.push_back(line);
    Model model(bundle);
    for (int i = 2; i < count; ++i) {
        const std::vector<float> logits = model.run(crop_picture(load_picture(arguments[i])));
        std::printf("%s\n", arguments[i]);
        print_best(logits, classes);
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
