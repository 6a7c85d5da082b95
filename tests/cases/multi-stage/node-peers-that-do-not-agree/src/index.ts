import express from "express";

express()
  .get("/", (request, response) => {
    response.send("ok");
  })
  .listen(3000);
