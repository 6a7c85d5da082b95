from celery import Celery
app = Celery(broker="redis://redis")
