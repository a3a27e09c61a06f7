// bullmq: runs BullMQ for bench/jobs.
//
//   node bullmq.mjs enqueue JOBS    enqueues jobs; prints how many ms that took
//   node bullmq.mjs worker CONCURRENCY
//
// The variable PEER_REDIS_SOCKET is the path of Redis' socket.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

import { Progress, now, say, work } from './peer.mjs';

const [role, count] = process.argv.slice(2);
const connect = () =>
	new Redis({ path: process.env.PEER_REDIS_SOCKET, maxRetriesPerRequest: null });

async function enqueue(jobs) {
	const queue = new Queue('bench', { connection: connect() });
	await queue.waitUntilReady();
	await queue.obliterate({ force: true });
	const start = now();
	for (let i = 0; i < jobs; i += 1000) {
		const n = Math.min(1000, jobs - i);
		await queue.addBulk(
			Array.from({ length: n }, () => ({ name: 'noop', data: {} })),
		);
	}
	say(now() - start);
	process.exit(0);
}

if (role === 'enqueue')
	await enqueue(Number(count));

const progress = new Progress();
const worker = new Worker('bench', async () => progress.began(), {
	connection: connect(),
	concurrency: Number(count),
	autorun: false,
});
worker.on('completed', () => progress.ended());
worker.on('error', (e) => console.error(e));
await worker.waitUntilReady();
await work(progress, async () => {
	worker.run();
});
