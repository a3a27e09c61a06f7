// graphile: runs graphile-worker for bench/jobs.
//
//   node graphile.mjs setup
//   node graphile.mjs worker CONCURRENCY LOCAL_QUEUE COMPLETE_DELAY_MS
//
// PEER_DATABASE_URL is the database.  graphile-worker does not wait for its completions, so the end
// is when runOnce() returns; DONE is 0 until then.
import { Logger, runMigrations, runOnce } from 'graphile-worker';
import pg from 'pg';

import { Progress, work } from './peer.mjs';

const [role, concurrency, localQueue, completeDelay] = process.argv.slice(2);
const quiet = new Logger(() => (level, message) => {
	if (level === 'error')
		console.error(message);
});
const connectionString = process.env.PEER_DATABASE_URL;

if (role === 'setup') {
	await runMigrations({ connectionString, logger: quiet });
	process.exit(0);
}

const pgPool = new pg.Pool({ connectionString, max: Number(concurrency) + 2 });
await pgPool.query('SELECT 1');
const progress = new Progress();
let done = 0;

await work(progress, async () => {
	await runOnce({
		pgPool,
		logger: quiet,
		noHandleSignals: true,
		preset: {
			worker: {
				concurrentJobs: Number(concurrency),
				...(Number(localQueue) > 0 && {
					localQueue: { size: Number(localQueue) },
				}),
				completeJobBatchDelay: Number(completeDelay),
			},
		},
		taskList: {
			noop: async () => {
				progress.began();
				done++;
			},
		},
	});
	progress.ended(done);
});
