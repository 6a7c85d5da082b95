from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, PositiveInt

router = APIRouter()
stock = {}


class Item(BaseModel):
    name: str
    count: PositiveInt


@router.post("", status_code=201)
def add(item: Item):
    stock[item.name] = item
    return item


@router.get("/{name}")
def get(name: str):
    if name not in stock:
        raise HTTPException(404, "no such item")
    return stock[name]
