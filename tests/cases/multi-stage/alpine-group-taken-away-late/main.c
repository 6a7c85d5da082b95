#include <event2/event.h>

int main(void) {
    struct event_base *base = event_base_new();
    return event_base_dispatch(base);
}
