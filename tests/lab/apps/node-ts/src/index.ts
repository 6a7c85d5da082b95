import fastify from 'fastify';
import { links } from './links';

const app = fastify({ logger: false });

app.get('/', async () => ({ links: links.size }));

app.get<{ Params: { key: string } }>('/:key', async (request, reply) => {
  const target = links.get(request.params.key);
  if (!target) {
    return reply.code(404).send({ error: 'unknown link' });
  }
  return reply.redirect(target);
});

app.listen({ host: '0.0.0.0', port: 4000 }).catch((error) => {
  console.error(error);
  process.exit(1);
});
