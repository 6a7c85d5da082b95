#include <sqlite3.h>
#include <fstream>

int main() {
    std::ifstream page("doxygen/html/index.html");
    return 0;
}
