int meter(void) { return 7; }
