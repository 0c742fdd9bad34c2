// The end that all C++ samples share: pictures from the command line, what the model answers to `show`.
#pragma once
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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
        const Picture picture = load_picture(arguments[i]);
        show(model.run(crop_picture(picture)), classes, picture, arguments[i]);
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
