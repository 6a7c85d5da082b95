require("http").createServer((q, s) => s.end("up")).listen(8080);
