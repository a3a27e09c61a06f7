// peer: what the workers of graphile-worker and BullMQ have in common.  A worker prints "ready"; at
// the first line of input it starts to work.  From then on it prints ten times a second
// "DONE FIRST LAST": how many jobs are done, when the first job started and when the last job
// ended, in ms since 1970.  It exits at the end of its input.
import readline from 'node:readline';

export const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

export const now = () => performance.timeOrigin + performance.now();

export class Progress {
	done = 0;
	first = 0;
	last = 0;

	began() {
		if (this.first === 0)
			this.first = now();
	}

	ended(n = 1) {
		this.done += n;
		this.last = now();
	}
}

export async function work(progress, start) {
	const lines = readline.createInterface({ input: process.stdin });
	lines.on('close', () => process.exit(0));
	say('ready');
	await new Promise((resolve) => lines.once('line', resolve));
	setInterval(
		() => say(progress.done, progress.first, progress.last),
		100,
	);
	await start();
}
