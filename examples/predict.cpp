// Which sign is in this picture?  ./predict champion.onnx picture.ppm
// On Linux, with OpenVINO, whose Python package brings headers and libraries:  pip install openvino; then from this folder
//   V=$(python -c "import openvino; print(openvino.__path__[0])"); LIB=$(ls $V/libs/libopenvino.so.*)
//   g++ -std=c++17 predict.cpp -I$V/include $LIB -Wl,-rpath,$V/libs -o predict
#include <algorithm>
#include <fstream>
#include <iostream>
#include <openvino/openvino.hpp>

int main(int, char** arguments) {
    std::ifstream file(arguments[2], std::ios::binary);  // PPM: "P6", width, height, 255, then red, green, blue of each pixel
    std::string format;
    size_t width, height, white;
    file >> format >> width >> height >> white;
    file.get();
    ov::Tensor picture(ov::element::u8, {height, width, 3});
    file.read(picture.data<char>(), picture.get_byte_size());
    int64_t whole[] = {0, 0, -1, -1};  // left, top, right, bottom of the sign; -1 is the last pixel

    auto network = ov::Core().compile_model(arguments[1], "CPU").create_infer_request();
    network.set_tensor("picture", picture);
    network.set_tensor("box", ov::Tensor(ov::element::i64, {4}, whole));
    network.infer();
    auto probabilities = network.get_tensor("probabilities");
    auto first = probabilities.data<float>(), best = std::max_element(first, first + probabilities.get_size());
    std::cout << "class " << best - first << ", " << 100 * *best << "%\n";
}
