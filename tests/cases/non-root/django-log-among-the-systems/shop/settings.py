SECRET_KEY = "for the case alone"
LOGGING = {
    "version": 1,
    "handlers": {
        "mail": {
            "class": "logging.handlers.RotatingFileHandler",
            "filename": "/var/log/shop-mail.log",
            "maxBytes": 1048576,
        },
    },
    "root": {"handlers": ["mail"]},
}
