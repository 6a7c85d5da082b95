const fs = require('fs');
const http = require('http');

http.createServer((request, response) => {
  fs.appendFileSync('/var/notes/all.txt', `${request.url}\n`);
  response.end('noted');
}).listen(3000);
