const { Pool } = require("pg");
new Pool();
