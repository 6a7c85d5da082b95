const puppeteer = require("puppeteer");
const app = require("fastify")();

app.get("/", async () => (await puppeteer.launch()).version());
app.listen({ port: 3000, host: "0.0.0.0" });
