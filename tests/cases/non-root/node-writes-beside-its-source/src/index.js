const fs = require("fs");
const path = require("path");
const express = require("express");

const guests = path.join(__dirname, "guests.json");
const pages = path.join(__dirname, "..", "public");

const app = express();
app.use(express.static(pages));
app.post("/guests", (request, response) => {
  fs.writeFileSync(guests, JSON.stringify([request.ip]));
  response.end();
});
app.listen(3000);
