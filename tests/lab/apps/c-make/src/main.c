#include "fortunes.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void quit(int number) {
    (void)number;
    _exit(0);
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 7000;
    signal(SIGTERM, quit);
    signal(SIGPIPE, SIG_IGN);
    if (!fortunes_load("/usr/local/share/fortuned/fortunes.txt")) {
        fprintf(stderr, "fortuned: no fortunes\n");
        return 1;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) {
        perror("fortuned");
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        char request[1024] = "", body[300], reply[600];
        int number = 0;
        if (read(client, request, sizeof request - 1) > 0) {
            sscanf(request, "GET /%d", &number);
            snprintf(body, sizeof body, "%s\n", fortunes_get(number));
            snprintf(reply, sizeof reply, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
                     strlen(body), body);
            if (write(client, reply, strlen(reply)) < 0) perror("write");
        }
        close(client);
    }
}
