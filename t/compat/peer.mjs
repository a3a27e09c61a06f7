// The peer that bench/run measures against: Fastify with BetterAuth in the same
// process and Redis as its secondary storage, one process per core, the fastest
// set-up its documentation describes.  PEER_DATABASE_URL, PEER_REDIS_SOCKET and
// PEER_PORT say where.  Prints "ready" when it listens.
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { betterAuth } from 'better-auth-1.7';
import { getMigrations } from 'better-auth-1.7/db/migration';
import { fromNodeHeaders } from 'better-auth-1.7/node';
import Fastify from 'fastify';
import Redis from 'ioredis';
import pg from 'pg';

const port = Number(process.env.PEER_PORT);
const redis = new Redis(process.env.PEER_REDIS_SOCKET);
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: process.env.PEER_SECRET,
  database: new pg.Pool({ connectionString: process.env.PEER_DATABASE_URL }),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  secondaryStorage: {
    get: (key) => redis.get(key),
    set: (key, value, ttl) => (ttl ? redis.set(key, value, 'EX', ttl) : redis.set(key, value)),
    delete: (key) => redis.del(key),
    getAndDelete: (key) => redis.getdel(key),
    increment: async (key, ttl) => {
      const n = await redis.incr(key);
      if (n === 1) await redis.expire(key, ttl);
      return n;
    },
  },
};

if (cluster.isPrimary) {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  let listening = 0;
  const workers = availableParallelism();
  cluster.on('listening', () => {
    if (++listening === workers) console.log('ready');
  });
  for (let i = 0; i < workers; i++) cluster.fork();
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  const auth = betterAuth(options);
  const app = Fastify({ logger: false });

  app.get('/whoami', async (request, reply) => {
    const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
    if (!found) return reply.code(401).send({ code: 'UNAUTHENTICATED' });
    return { userId: found.user.id, sessionId: found.session.id, roles: [] };
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/api/auth/*',
    handler: async (request, reply) => {
      const response = await auth.handler(new Request(new URL(request.url, options.baseURL), {
        method: request.method,
        headers: fromNodeHeaders(request.headers),
        ...(request.body && { body: JSON.stringify(request.body) }),
      }));
      reply.code(response.status);
      response.headers.forEach((value, key) => reply.header(key, value));
      return reply.send(await response.text());
    },
  });
  await app.listen({ port, host: '127.0.0.1' });
}
