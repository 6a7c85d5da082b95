const express = require('express');
const { spawn } = require('child_process');

const app = express();
app.get('/print', (req, res) => spawn('java', ['-jar', 'print.jar']).stdout.pipe(res));
app.listen(8080);
