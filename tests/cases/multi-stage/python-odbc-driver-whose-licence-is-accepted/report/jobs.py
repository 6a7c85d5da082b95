import os

import pyodbc
from celery import Celery

app = Celery("report", broker=os.environ["BROKER_URL"])


@app.task
def totals():
    with pyodbc.connect(os.environ["DATABASE_DSN"]) as connection:
        return connection.execute("select count(*) from orders").fetchval()
