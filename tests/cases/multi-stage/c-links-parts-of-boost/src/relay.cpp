#include <boost/asio.hpp>
#include <iostream>

int main(int count, char **words) {
    boost::asio::io_context context;
    std::cout << "relay at " << (count > 1 ? words[1] : "no port") << std::endl;
    context.run();
}
