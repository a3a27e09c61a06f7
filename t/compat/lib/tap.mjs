/* Functions for tests, which print TAP for prove. */
import { isDeepStrictEqual, inspect } from "node:util";

let count = 0;
let failed = 0;

export function ok(value, name) {
	count++;
	if (!value)
		failed++;
	console.log(`${value ? "ok" : "not ok"} ${count} - ${name.replace(/[\n#]/g, " ")}`);
	return Boolean(value);
}

export function is(got, want, name) {
	if (!ok(isDeepStrictEqual(got, want), name)) {
		diag(`     got: ${inspect(got, { depth: 6, breakLength: 100 })}`);
		diag(`expected: ${inspect(want, { depth: 6, breakLength: 100 })}`);
		return false;
	}
	return true;
}

export function like(got, pattern, name) {
	if (!ok(pattern.test(String(got)), name))
		diag(`     got: ${String(got)}, not matched by ${pattern}`);
}

export function diag(text) {
	for (const line of String(text).split("\n"))
		console.log(`# ${line}`);
}

export function skip(why) {
	console.log(`1..0 # SKIP ${why}`);
	process.exit(0);
}

/*
 * Prints the number of tests (the plan) at the end: a script that dies before
 * that has none, so prove fails it.
 */
export function done() {
	console.log(`1..${count}`);
	process.exitCode = failed === 0 ? 0 : 1;
}
