import torch
from fastapi import FastAPI

app = FastAPI()
network = torch.compile(torch.nn.Linear(512, 64))


@app.get("/")
def caption():
    return network(torch.zeros(512)).tolist()
