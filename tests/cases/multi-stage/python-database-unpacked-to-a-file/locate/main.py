import maxminddb
from fastapi import FastAPI

app = FastAPI()
reader = maxminddb.open_database("data/city.mmdb")
