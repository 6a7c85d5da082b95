using HTTP

HTTP.serve(request -> HTTP.Response(200), "0.0.0.0", 8000)
