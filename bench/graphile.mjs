// graphile: runs graphile-worker for bench/jobs.
//
//   node graphile.mjs setup
//   node graphile.mjs worker CONCURRENCY LOCAL_QUEUE COMPLETE_DELAY_MS
//
// The variable PEER_DATABASE_URL names the database.  graphile-worker calls a job's function before
// the job is completed in the database, so only the return of runOnce() shows that all jobs are
// done; until then DONE (peer.mjs) is 0.
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
