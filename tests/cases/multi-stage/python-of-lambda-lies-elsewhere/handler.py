import psycopg2


def handle(event, context):
    return psycopg2.__version__
