#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void quit(int number) {
    (void)number;
    _exit(0);
}

/* The line of the table that begins with a harbour's name. */
static int find(const char *name, char *line, int size) {
    FILE *table = fopen(TABLE, "r");
    int found = 0;
    if (!table) return 0;
    while (!found && fgets(line, size, table)) found = strncmp(line, name, strlen(name)) == 0;
    fclose(table);
    return found;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 7100;
    struct stat folder;
    signal(SIGTERM, quit);
    signal(SIGPIPE, SIG_IGN);
    if (access(TABLE, R_OK) || stat(RUNDIR, &folder) || !S_ISDIR(folder.st_mode)) {
        fprintf(stderr, "tided: %s or %s is missing\n", TABLE, RUNDIR);
        return 1;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) {
        perror("tided");
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        char request[1024] = "", name[64] = "", body[300] = "no such harbour\n", reply[600];
        if (read(client, request, sizeof request - 1) > 0) {
            sscanf(request, "GET /%63[A-Za-z]", name);
            const char *status = *name && find(name, body, sizeof body) ? "200 OK" : "404 Not Found";
            if (*status == '4') strcpy(body, "no such harbour\n");
            snprintf(reply, sizeof reply, "HTTP/1.0 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", status,
                     strlen(body), body);
            if (write(client, reply, strlen(reply)) < 0) perror("write");
        }
        close(client);
    }
}
