#include <stdio.h>

int main(int argc, char **argv) {
    FILE *file = fopen(argc > 1 ? argv[1] : "/opt/hexd/sample.txt", "rb");
    int c, n = 0;
    if (!file) {
        perror("hexd");
        return 2;
    }
    while ((c = fgetc(file)) != EOF) printf("%02x%c", c, ++n % 16 ? ' ' : '\n');
    putchar('\n');
    return 3;
}
