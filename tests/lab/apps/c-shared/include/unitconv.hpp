#pragma once

namespace unitconv {
double to_miles(double kilometres);
}
