#include <gtest/gtest.h>
#include <iostream>

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    std::cout << "ready" << std::endl;
    return RUN_ALL_TESTS();
}
