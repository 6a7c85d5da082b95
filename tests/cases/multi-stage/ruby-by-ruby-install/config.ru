run ->(env) { [200, {}, ['shop']] }
