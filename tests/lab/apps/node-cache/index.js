const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { marked } = require('marked');

const cacheDir = path.join(__dirname, '.cache');
fs.mkdirSync(cacheDir, { recursive: true });

http
  .createServer(async (req, res) => {
    if (req.method !== 'POST') {
      res.setHeader('Content-Type', 'application/json');
      return res.end(JSON.stringify({ cached: fs.readdirSync(cacheDir).length }));
    }
    let text = '';
    for await (const chunk of req) text += chunk;
    const file = path.join(cacheDir, crypto.createHash('sha1').update(text).digest('hex') + '.html');
    if (!fs.existsSync(file)) fs.writeFileSync(file, marked.parse(text));
    res.setHeader('Content-Type', 'text/html');
    fs.createReadStream(file).pipe(res);
  })
  .listen(8080);
