import ctypes

print(ctypes.CDLL("./meter.so").meter())
