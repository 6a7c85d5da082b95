#include <stdio.h>

int main(void) {
    FILE *log = fopen("/data/log/tides.log", "a");
    return log == NULL || fputs("high water\n", log) < 0 || fclose(log);
}
