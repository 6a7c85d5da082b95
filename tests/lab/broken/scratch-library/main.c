#include <stdio.h>
#include <zlib.h>

int main(void) {
    printf("zlib works: %d\n", zlibVersion() != NULL);
    return 0;
}
