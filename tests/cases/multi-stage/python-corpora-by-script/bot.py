import nltk

print(nltk.word_tokenize("hello there"))
