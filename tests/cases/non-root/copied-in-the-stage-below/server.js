const express = require('express');
const fs = require('fs');

const app = express();
app.post('/posts', (req, res) => {
  fs.appendFileSync('data/posts.json', '{}\n');
  res.sendStatus(201);
});
app.listen(3000);
