module kv
