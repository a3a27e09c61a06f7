// The servers that bench/run compares Kedge with, on Fastify and BetterAuth with Redis as its
// secondary storage:
//
//   node peer.mjs auth      BetterAuth, and /verify for nginx's auth_request
//   node peer.mjs core      a base service that trusts nginx's headers
//   node peer.mjs together  both in one program, without nginx between them,
//                           with one process for each core
//
// Configured by PEER_PORT, PEER_DATABASE_URL, PEER_REDIS_SOCKET and PEER_SECRET.
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { betterAuth } from 'better-auth-1.7.25';
import { getMigrations } from 'better-auth-1.7.25/db/migration';
import { fromNodeHeaders } from 'better-auth-1.7.25/node';
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

const role = process.argv[2];
const user = (found) => ({ userId: found.user.id, sessionId: found.session.id, roles: [] });

function addAuth(app, auth) {
  app.get('/verify', async (request, reply) => {
    const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
    if (!found) return reply.code(401).send();
    return reply.code(204).header('x-identity', JSON.stringify(user(found))).send();
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
}

async function serve() {
  const app = Fastify({ logger: false });

  if (role === 'core') {
    app.get('/whoami', async (request) => JSON.parse(request.headers['x-identity']));
  } else {
    const auth = betterAuth(options);
    addAuth(app, auth);
    app.get('/whoami', async (request, reply) => {
      const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
      return found ? user(found) : reply.code(401).send();
    });
  }
  await app.listen({ port, host: '127.0.0.1' });
}

if (role === 'together' && cluster.isPrimary) {
  for (let i = 0; i < availableParallelism(); i++) cluster.fork();
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  if (role === 'auth') await (await getMigrations(options)).runMigrations();
  await serve();
}
