import aiogram

print(aiogram.__version__)
