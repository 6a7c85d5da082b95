#include <ruby.h>

static VALUE sum(VALUE self, VALUE numbers) {
    long total = 0;
    for (long i = 0; i < RARRAY_LEN(numbers); i++) total += NUM2LONG(rb_ary_entry(numbers, i));
    return LONG2NUM(total);
}

void Init_fastsum(void) {
    rb_define_module_function(rb_define_module("FastSum"), "sum", sum, 1);
}
