/* Reads the file of fortunes; returns how many there are. */
int fortunes_load(const char *path);

/* The fortune of that number, modulo the count. */
const char *fortunes_get(int number);
