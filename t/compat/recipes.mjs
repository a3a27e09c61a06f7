/*
 * Executes the recipes for clients of docs/RECIPES.md.
 *
 * 	recipes.mjs --base URL --dir DIR [--web URL --chromium PATH]
 *
 * DIR has the programs of the page. With --web, app.js is bundled and run in a browser, on
 * a page of that origin.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";

import { diag, done, is, like, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		base: { type: "string" },
		dir: { type: "string" },
		email: { type: "string" },
		chromium: { type: "string" },
	},
});
const password = "correct horse battery";
const load = (name) => import(`${args.dir}/${name}`);

async function mobile() {
	const { Session } = await load("session.js");
	const session = new Session(args.base);
	const wrong = await session.signIn(args.email, "not the password").catch((error) => error);
	is(wrong.code, "INVALID_EMAIL_OR_PASSWORD", "a wrong password is told by its code");
	is((await session.signIn(args.email, password)).email, args.email, "the session signs in");
	ok(session.token, "and has a token");
	is((await session.fetch("/api/core/me")).status, 200, "which is accepted");
	return session;
}

async function retries(session) {
	const { send } = await load("retry.js");
	/* The first answers are lost, or say that the service is away. */
	let calls = 0;
	const unreliable = { fetch: async (path, options) => {
		calls++;
		const response = await session.fetch(path, options);
		if (calls === 1) throw new TypeError("the connection was lost");
		if (calls === 2) return new Response("{}", { status: 503, headers: { "Retry-After": "1" } });
		return response;
	} };
	const task = await send(unreliable, "/api/core/tasks", { title: "once" });
	is([calls, task.title], [3, "once"], "a request is repeated until it has an answer");
	const list = await (await session.fetch("/api/core/tasks")).json();
	is(list.items.filter((t) => t.title === "once").length, 1, "and was executed once");
	const refused = await send(session, "/api/core/tasks", { title: 7 }).catch((error) => error);
	is(refused.code, "INVALID_REQUEST", "a refusal is not repeated");
	return task;
}

async function pages(session) {
	const { send } = await load("retry.js");
	const { all } = await load("pages.js");
	for (let i = 0; i < 7; i++)
		await send(session, "/api/core/tasks", { title: `task ${i}` });
	const titles = [];
	for await (const task of all(session, "/api/core/tasks", 3))
		titles.push(task.title);
	is(titles.sort(), ["once", ...Array.from({ length: 7 }, (_, i) => `task ${i}`)],
		"three pages have each task once");
}

async function changes(session, task) {
	const { change } = await load("change.js");
	const path = `/api/core/tasks/${task.id}`;
	let seen = 0;
	/* Another program changes the task between the reading and the writing. */
	const after = await change(session, path, (before) => {
		seen++;
		return { title: `${before.title}!` };
	});
	is([after.title, seen], ["once!", 1], "a change is written");
	seen = 0;
	const contended = { fetch: async (at, options = {}) => {
		if (options.method === "PATCH" && seen === 1)
			await session.fetch(path, { method: "PATCH", headers: { "Content-Type": "application/json" },
				body: JSON.stringify({ title: "theirs" }) });
		return session.fetch(at, options);
	} };
	const both = await change(contended, path, (before) => {
		seen++;
		return { title: `${before.title}?` };
	});
	is([both.title, seen], ["theirs?", 2], "and repeated on the version of another writer");
}

async function browser() {
	const { outputFiles } = await build({ entryPoints: [`${args.dir}/app.js`], bundle: true, format: "esm",
		write: false, nodePaths: [`${import.meta.dirname}/node_modules`],
		alias: { "better-auth/client": "better-auth-1.7.25/client" } });
	writeFileSync(`${args.dir}/web/app.js`, outputFiles[0].text);
	const b = await chromium.launch({ executablePath: args.chromium,
		args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
	try {
		const page = await b.newPage();
		await page.goto(`${args.base}/tasks`);
		const out = await page.evaluate(async ([email, secret]) => {
			const { api, signIn, signOut } = await import("/app.js");
			const wrong = await signIn(email, "not the password").catch((error) => error.message);
			const user = await signIn(email, secret);
			const made = await api("POST", "/api/core/tasks", { title: "from the page" });
			const refused = await api("POST", "/api/core/tasks", { title: 7 }).catch((error) => error.code);
			const cookie = document.cookie;
			await signOut();
			return { wrong, user: user.email, made: made.title, refused, cookie };
		}, [args.email, password]);
		like(out.wrong, /password/i, "page: a wrong password is told");
		is([out.user, out.made, out.refused, out.cookie],
			[args.email, "from the page", "INVALID_REQUEST", ""],
			"page: signs in, writes, and no script sees the cookie");
		await Promise.all([page.waitForURL(/sign-in/),
			page.evaluate(async () => { await (await import("/app.js")).api("GET", "/api/core/tasks"); })
				.catch(() => {})]);
		is(new URL(page.url()).searchParams.get("next"), "/tasks", "page: without a session it asks to sign in");
	} finally {
		await b.close();
	}
}

try {
	const session = await mobile();
	const task = await retries(session);
	await pages(session);
	await changes(session, task);
	await session.signOut();
	is([session.token, (await session.fetch("/api/core/me")).status], [null, 401], "signed out");
	if (args.chromium)
		await browser();
} catch (error) {
	ok(false, "the recipes");
	diag(error.stack);
}
done();
