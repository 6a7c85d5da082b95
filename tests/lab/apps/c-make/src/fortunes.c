#include "fortunes.h"

#include <stdio.h>
#include <string.h>

static char lines[64][256];
static int count;

int fortunes_load(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 0;
    }
    while (count < 64 && fgets(lines[count], sizeof lines[count], file)) {
        lines[count][strcspn(lines[count], "\n")] = 0;
        count++;
    }
    fclose(file);
    return count;
}

const char *fortunes_get(int number) { return lines[number % count]; }
