class Svc {}
