#include <iostream>
#include <map>
#include <string>

int main() {
    std::map<std::string, int> counted;
    for (std::string word; std::cin >> word;) ++counted[word];
    for (const auto &[word, times] : counted) std::cout << word << ' ' << times << '\n';
}
