#include "unitconv.hpp"

namespace unitconv {
double to_miles(double kilometres) { return kilometres * 0.621371; }
}
