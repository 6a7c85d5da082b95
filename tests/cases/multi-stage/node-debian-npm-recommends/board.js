const express = require('express');

const app = express();
app.get('/', (request, response) => response.send('board'));
app.listen(3000);
