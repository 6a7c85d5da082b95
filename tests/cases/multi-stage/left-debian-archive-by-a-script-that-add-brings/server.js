const { spawn } = require("child_process");
require("http").createServer((_, answer) => spawn("python3", ["page.py"]).stdout.pipe(answer)).listen(8000);
