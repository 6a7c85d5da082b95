import execjs

print(execjs.eval("1 + 1"))
