from fastapi import FastAPI

from .routers import items

app = FastAPI(title="Stock")
app.include_router(items.router, prefix="/items")


@app.get("/")
def root():
    return {"service": "stock"}
