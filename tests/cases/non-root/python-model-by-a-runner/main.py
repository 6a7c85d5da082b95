from fastapi import FastAPI
from sentence_transformers import SentenceTransformer

app = FastAPI()
model = SentenceTransformer("intfloat/e5-small")


@app.get("/vector")
def vector(text: str) -> list[float]:
    return model.encode(text).tolist()
