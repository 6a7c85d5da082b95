from fastapi import FastAPI

app = FastAPI()
weights = open("weights/unet.pt", "rb").read()
