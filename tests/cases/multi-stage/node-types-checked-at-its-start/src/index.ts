import express from "express";

express()
  .get("/", (request, response) => response.send(new Date().toISOString()))
  .listen(Number(process.env.PORT ?? 3000));
