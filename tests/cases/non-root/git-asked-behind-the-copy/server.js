const express = require("express");
const fs = require("fs");

const app = express();
app.post("/notes", (request, response) => {
  fs.writeFileSync("notes.json", JSON.stringify({ at: Date.now() }));
  response.sendStatus(204);
});
app.listen(3000);
