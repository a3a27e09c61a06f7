/*
 * A page of another origin in a real browser, with the official client.
 *
 *   node cors.mjs --base URL --page PORT --refused PORT [--chromium PATH]
 *
 * The page is served on two ports of the same host: the origin of the first is in
 * AUTH_TRUSTED_ORIGINS, that of the second is not.
 */
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";

import { diag, done, is, like, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		base: { type: "string" },
		page: { type: "string" },
		refused: { type: "string" },
		chromium: { type: "string", default: "/usr/bin/chromium" },
	},
});

const bundle = (await build({
	stdin: { contents: 'export { createAuthClient } from "better-auth-1.7.25/client";',
		resolveDir: import.meta.dirname },
	bundle: true, format: "esm", write: false,
})).outputFiles[0].text;
const serve = (port) => new Promise((resolve) => {
	const server = createServer((request, response) => {
		const script = request.url === "/client.js";

		response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
		response.end(script ? bundle : "<!doctype html><title>another origin</title>");
	});
	server.listen(Number(port), "127.0.0.1", () => resolve(server));
});
const servers = [await serve(args.page), await serve(args.refused)];
const browser = await chromium.launch({
	executablePath: args.chromium,
	args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});

/* Runs in the page: what a developer would write there. */
const tour = async (api) => {
	const { createAuthClient } = await import("/client.js");
	const auth = createAuthClient({ baseURL: api });
	const email = `cors-${Date.now()}@example.com`;
	const out = {};
	const call = async (path, options = {}) => {
		const r = await fetch(api + path, { credentials: "include", ...options });
		return { status: r.status, body: await r.json().catch(() => null),
			headers: Object.fromEntries(r.headers) };
	};
	const write = (method, body, headers = {}) => ({ method, body: JSON.stringify(body),
		headers: { "Content-Type": "application/json", ...headers } });

	out.signUp = await auth.signUp.email({ name: "Cora", email, password: "correct horse battery" });
	out.session = await auth.getSession();
	out.me = await call("/api/core/me");
	out.task = await call("/api/core/tasks", write("POST", { title: "from afar" }));
	out.patched = await call(out.task.headers.location,
		write("PATCH", { title: "changed" }, { "If-Match": out.task.headers.etag }));
	out.accounts = await call("/api/wallet/accounts");
	const account = out.accounts.body.items[0].id;
	const transfer = write("POST", { fromAccountId: account, toAccountId: account, amount: 1 },
		{ "Idempotency-Key": "once" });
	out.transfer = await call("/api/wallet/transfers", transfer);
	out.missing = await call("/api/nothing");
	out.supported = await auth.$fetch("/two-factor/enable", { method: "POST", body: {} });
	out.signOut = await auth.signOut();
	out.after = await call("/api/core/me");
	return out;
};
/* What the page of an origin that is not trusted can find out: nothing. */
const spy = async (api) => {
	const attempt = (path, options) => fetch(api + path, { credentials: "include", ...options })
		.then((r) => `${r.status}`, (e) => e.name);
	return {
		read: await attempt("/api/core/me"),
		session: await attempt("/api/auth/get-session"),
		write: await attempt("/api/core/tasks", { method: "POST", body: "{}",
			headers: { "Content-Type": "application/json" } }),
		plain: await attempt("/api/core/tasks", { method: "POST", body: "{}" }),
		error: await attempt("/api/nothing"),
	};
};

try {
	const context = await browser.newContext();
	const page = await context.newPage();
	await page.goto(`http://127.0.0.1:${args.page}/`);
	const out = await page.evaluate(tour, args.base);
	is(out.signUp.error, null, "the official client signs up from another origin");
	is(out.session.data?.user.name, "Cora", "and has its session");
	is(out.me.status, 200, "core knows the user");
	like(out.me.headers["x-request-id"], /^[0-9a-f]{32}$/, "the page reads X-Request-Id");
	is(out.task.status, 201, "it writes");
	ok(out.task.headers.location && out.task.headers.etag, "and reads Location and ETag");
	is([out.patched.status, out.patched.body.title], [200, "changed"], "PATCH with If-Match");
	is(out.accounts.status, 200, "wallet knows the user");
	like(String(out.transfer.status), /^4(00|09|22)$/, "a transfer with Idempotency-Key gets its refusal");
	ok(out.transfer.body?.code, "and the page can read the reason");
	is([out.missing.status, out.missing.body.code], [404, "NOT_FOUND"], "nginx's own errors, too");
	is([out.supported.error.status, out.supported.error.code], [404, "NOT_SUPPORTED"],
		"the official client shows what is not supported");
	is(out.signOut.error, null, "it signs out");
	is([out.after.status, out.after.body.code], [401, "UNAUTHENTICATED"], "and reads the 401 after it");

	await page.evaluate(async (api) => {
		const { createAuthClient } = await import("/client.js");
		await createAuthClient({ baseURL: api }).signUp.email({ name: "Cora",
			email: `cors2-${Date.now()}@example.com`, password: "correct horse battery" });
	}, args.base);
	const other = await context.newPage();
	await other.goto(`http://127.0.0.1:${args.refused}/`);
	is(await other.evaluate(spy, args.base), { read: "TypeError", session: "TypeError",
		write: "TypeError", plain: "TypeError", error: "TypeError" },
		"a page of an origin that is not listed sees nothing, although the cookie is sent");
	const tasks = await page.evaluate(async (api) =>
		(await (await fetch(`${api}/api/core/tasks`, { credentials: "include" })).json()).items.length,
		args.base);
	is(tasks, 0, "and has written nothing");
} catch (e) {
	ok(false, "the whole way");
	diag(e.stack);
} finally {
	await browser.close();
	for (const server of servers)
		server.close();
}
done();
