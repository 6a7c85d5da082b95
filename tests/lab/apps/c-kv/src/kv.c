/* A key-value server that speaks a line a command: SET key value, GET key, SAVE, QUIT. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define SLOTS 256

static struct { char key[64], value[256]; } table[SLOTS];
static int used;

static void quit(int number) { (void)number; _exit(0); }

static char *find(const char *key) {
    for (int i = 0; i < used; i++)
        if (!strcmp(table[i].key, key)) return table[i].value;
    return NULL;
}

static int save(const char *path) {
    gzFile file = gzopen(path, "wb");
    if (!file) return 0;
    for (int i = 0; i < used; i++) gzprintf(file, "%s\t%s\n", table[i].key, table[i].value);
    return gzclose(file) == Z_OK;
}

int main(int argc, char **argv) {
    char conf[256] = "", dump[256] = "dump.gz";
    int port = 6400;
    FILE *file = fopen(argc > 1 ? argv[1] : "/etc/kv/kv.conf", "r");
    if (!file) { perror("kv.conf"); return 1; }
    while (fgets(conf, sizeof conf, file)) {
        sscanf(conf, "port %d", &port);
        sscanf(conf, "dump %255s", dump);
    }
    fclose(file);
    signal(SIGTERM, quit);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 16)) { perror("listen"); return 1; }
    printf("ready on %d\n", port);
    fflush(stdout);
    for (;;) {
        int link = accept(listener, NULL, NULL);
        FILE *input = fdopen(link, "r"), *client = fdopen(dup(link), "w");
        if (!input || !client) continue;
        char line[512], key[64], value[256];
        while (fgets(line, sizeof line, input)) {
            char *found;
            if (sscanf(line, "SET %63s %255s", key, value) == 2) {
                if (!(found = find(key)) && used < SLOTS) {
                    strcpy(table[used].key, key);
                    found = table[used++].value;
                }
                if (found) strcpy(found, value);
                fputs("+OK\n", client);
            } else if (sscanf(line, "GET %63s", key) == 1) {
                fprintf(client, "%s\n", (found = find(key)) ? found : "-NONE");
            } else if (!strncmp(line, "SAVE", 4)) {
                fputs(save(dump) ? "+SAVED\n" : "-FAILED\n", client);
            } else {
                fputs("-WHAT\n", client);
            }
            fflush(client);
        }
        fclose(input);
        fclose(client);
    }
}
