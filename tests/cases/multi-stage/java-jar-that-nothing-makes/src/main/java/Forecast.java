class Forecast {}
