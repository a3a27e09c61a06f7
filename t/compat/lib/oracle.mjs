/*
 * Starts and stops oracle.mjs (a BetterAuth server), which also ends when this
 * program ends.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export async function startOracle({ version, database, secret, ids, migrate = true }) {
	const child = spawn(process.execPath, [
		fileURLToPath(new URL("../oracle.mjs", import.meta.url)),
		"--version", version, "--database", database, "--secret", secret,
		...(ids ? ["--ids", ids] : []),
		...(migrate ? [] : ["--no-migrate"]),
	], { stdio: ["pipe", "pipe", "pipe"] });
	let log = "";
	child.stderr.on("data", (d) => { log += d; });
	const exited = new Promise((resolve) => child.on("exit", resolve));
	const base = await Promise.race([
		(async () => {
			for await (const line of createInterface({ input: child.stdout })) {
				const m = /^listening on (.*)$/.exec(line);
				if (m)
					return m[1];
			}
			return undefined;
		})(),
		exited.then(() => undefined),
	]);
	if (base === undefined)
		throw new Error(`BetterAuth ${version} did not start:\n${log}`);
	return { base, stop: () => { child.stdin.end(); return exited; } };
}
