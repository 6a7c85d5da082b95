import { PrismaClient } from "@prisma/client";

const client = new PrismaClient();
client.order.count().then((count) => console.log(count));
