from fastapi import FastAPI, UploadFile

from .reader import engine

app = FastAPI()


@app.post("/read")
async def read(file: UploadFile):
    return engine().ocr(await file.read())
