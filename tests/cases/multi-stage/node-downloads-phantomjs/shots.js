const { execFile } = require('child_process');

execFile('phantomjs', ['shot.js']);
