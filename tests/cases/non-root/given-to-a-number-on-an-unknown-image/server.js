require("http").createServer((q, a) => a.end()).listen(8080);
