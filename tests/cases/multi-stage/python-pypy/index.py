import mido
print(mido.__name__)
