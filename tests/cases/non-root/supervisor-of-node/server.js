require("http").createServer((request, response) => response.end("chat")).listen(3000);
