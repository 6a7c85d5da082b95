// What is sent is written down beside the program, and told what it is.
const { execFile } = require("child_process");
const fs = require("fs");
const http = require("http");
const path = require("path");

const inbox = path.join(__dirname, "inbox");
fs.mkdirSync(inbox, { recursive: true });

http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const file = path.join(inbox, `${fs.readdirSync(inbox).length + 1}`);
    if (request.method !== "POST") return response.end(`${fs.readdirSync(inbox).length} in the inbox\n`);
    fs.writeFileSync(file, Buffer.concat(chunks));
    execFile("file", ["--brief", file], (error, out) => response.writeHead(error ? 500 : 201).end(String(error || out)));
  });
}).listen(3000);
