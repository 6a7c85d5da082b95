#include <pcre.h>

int main(void) { return 0; }
