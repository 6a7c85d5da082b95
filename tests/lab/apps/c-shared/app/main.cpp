#include <cstdlib>
#include <curl/curl.h>
#include <iostream>

#include "unitconv.hpp"

int main(int argc, char **argv) {
    char *escaped = curl_easy_escape(nullptr, "10 km", 0);
    std::cout << (escaped ? escaped : "-") << " = " << unitconv::to_miles(argc > 1 ? std::atof(argv[1]) : 10) << " mi\n";
    curl_free(escaped);
    return 0;
}
