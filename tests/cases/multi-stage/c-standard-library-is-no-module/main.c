#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The port is implicit: nobody has to name it. */
int main(void) {
    char *line = malloc(256);
    while (line != NULL && fgets(line, 256, stdin) != NULL) {
        fputs(line, stdout);
    }
    free(line);
    return EXIT_SUCCESS;
}
