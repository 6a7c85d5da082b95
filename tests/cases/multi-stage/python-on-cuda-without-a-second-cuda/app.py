import torch
from fastapi import FastAPI

app = FastAPI()


@app.get("/device")
def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
