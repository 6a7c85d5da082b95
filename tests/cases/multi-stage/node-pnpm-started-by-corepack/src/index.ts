import Fastify from "fastify";

const app = Fastify();
app.get("/orders", async () => []);
app.listen({ host: "0.0.0.0", port: 4000 });
