from transformers import pipeline
from fastapi import FastAPI
app = FastAPI()
p = pipeline('sentiment-analysis')
@app.get("/")
def f(q: str): return p(q)
