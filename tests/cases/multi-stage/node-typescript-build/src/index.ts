import Fastify from 'fastify';
Fastify().listen({ port: 8080, host: '0.0.0.0' });
