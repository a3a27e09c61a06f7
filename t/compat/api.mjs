/*
 * Executes the TypeScript of docs/API.md in a browser.
 *
 *   node api.mjs --base URL --file FILE.ts [--chromium PATH]
 *
 * FILE has the blocks of the page, and exports their names.
 */
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";

import { diag, done, is, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		base: { type: "string" },
		file: { type: "string" },
		chromium: { type: "string", default: "/usr/bin/chromium" },
	},
});
const script = (await build({ entryPoints: [args.file], bundle: true, format: "esm", write: false })).outputFiles[0].text;
const browser = await chromium.launch({
	executablePath: args.chromium,
	args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});

try {
	const page = await browser.newPage();
	await page.route("**/api-example.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
	await page.goto(args.base);
	const user = await page.evaluate(async () => (await import("/api-example.js")).session.user);
	is(user.email, "grace@example.com", "the client signs up, and has its session");
	const attempt = (...given) => page.evaluate(async (given) => {
		const { call } = await import("/api-example.js");
		return call(...given).then((value) => ({ value }), (error) => ({ error: { ...error } }));
	}, given);
	is((await attempt("GET", "/api/core/me")).error?.code, "UNAUTHENTICATED", "it has signed out");
	await page.evaluate(async () => (await import("/api-example.js")).auth.signIn.email(
		{ email: "grace@example.com", password: "correct horse" }));

	/* The first attempt is lost, and to the second the service is away. */
	const keys = [];
	await page.route("**/api/core/tasks", async (route) => {
		if (route.request().method() === "POST")
			keys.push(await route.request().headerValue("Idempotency-Key"));
		if (keys.length === 1)
			return route.abort();
		if (keys.length === 2)
			return route.fulfill({ status: 503, headers: { "Retry-After": "0" }, json: { code: "UNAVAILABLE" } });
		return route.continue();
	});
	const { value: task } = await attempt("POST", "/api/core/tasks", { title: "once" });
	is(task?.title, "once", "a request is repeated until it is answered");
	ok(keys.length === 3 && keys.every((key) => key && key === keys[0]), "with the same key") || diag(keys.join(" "));
	is((await attempt("POST", "/api/core/tasks", { title: 7 })).error?.fields?.[0].field, "title", "an error is thrown");
	is(keys.length, 4, "and not repeated");
	is(await attempt("DELETE", `/api/core/tasks/${task.id}`), { value: undefined }, "an answer without a body");
} catch (e) {
	ok(false, "the examples");
	diag(e.stack);
} finally {
	await browser.close();
}
done();
