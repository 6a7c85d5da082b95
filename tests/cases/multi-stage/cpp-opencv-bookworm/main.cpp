#include <opencv2/opencv.hpp>

int main() { return cv::Mat().empty() ? 0 : 1; }
