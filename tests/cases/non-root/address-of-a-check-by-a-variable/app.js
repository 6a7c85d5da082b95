const check = process.env.HEALTH_CHECK_PATH || '/status';
const data = process.env.DATA_PATH || '/data';
require('express')().get(check, (q, r) => r.send(data)).listen(8081);
