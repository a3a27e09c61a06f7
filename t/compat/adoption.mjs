/*
 * Checks that auth can use a BetterAuth database, and that BetterAuth can use
 * it again afterwards.
 *
 *   prepare --version V [--ids uuid|serial] --database URL --secret S --state FILE
 *       the real BetterAuth creates the database, with users and live sessions
 *   check --base URL --state FILE
 *       auth serves it: old passwords sign in, old cookies are valid
 *   back [--version V] [--ids uuid|serial] --database URL --secret S --state FILE
 *       the real BetterAuth uses it again, with the rows that auth added
 *
 * FILE keeps the browsers' cookies from one step to the next.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import pg from "pg";

import { Jar, request } from "./lib/http.mjs";
import { startOracle } from "./lib/oracle.mjs";
import { done, is, like, ok } from "./lib/tap.mjs";

const { values: args, positionals: [command] } = parseArgs({
	allowPositionals: true,
	options: {
		version: { type: "string", default: "1.7.25" },
		ids: { type: "string" },
		database: { type: "string" },
		secret: { type: "string" },
		base: { type: "string" },
		state: { type: "string" },
	},
});

/*
 * Latin small long s, the fi ligature, the Angstrom sign and a circled one:
 * NFKC changes each of them.
 */
const UNICODE = "pa\u017F\uFB01 \u212B\u2460 word";
const PASSWORDS = {
	plain: "correct horse battery",
	unicode: UNICODE,
	astral: "\u{1F600}".repeat(4),
	admin: "an administrator's",
	banned: "a banned person's",
	browser: "a passing visitor's",
	imported: "from another system",
	collector: "of far too many roles",
};
const IDS = { text: /^.{30,}$/, uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, serial: /^\d+$/ };
const TOKEN = "better-auth.session_token";
const email = (name) => `${name}@adopted.example`;

async function call(base, path, { json, jar } = {}) {
	const headers = [["Origin", base]];
	if (jar?.cookies.size > 0)
		headers.push(["Cookie", jar.header()]);
	if (json !== undefined)
		headers.push(["Content-Type", "application/json"]);
	const answer = await request(base, {
		method: json === undefined ? "GET" : "POST",
		path,
		headers,
		body: json === undefined ? undefined : JSON.stringify(json),
	});
	jar?.store(answer.cookies);
	try {
		answer.json = JSON.parse(answer.text);
	} catch {
		answer.json = undefined;
	}
	return answer;
}

const signIn = (base, name, password = PASSWORDS[name], jar = new Jar()) =>
	call(base, "/api/auth/sign-in/email", { json: { email: email(name), password }, jar });
const jarWith = (cookies) => {
	const jar = new Jar();
	jar.cookies = new Map(Object.entries(cookies));
	return jar;
};

async function prepare() {
	const oracle = await startOracle(args);
	const db = new pg.Client({ connectionString: args.database });
	await db.connect();
	const users = {};
	for (const [name, password] of Object.entries(PASSWORDS)) {
		const jar = new Jar();
		const r = await call(oracle.base, "/api/auth/sign-up/email", { jar, json: {
			name, email: email(name), password, rememberMe: name !== "browser" } });
		if (r.status !== 200)
			throw new Error(`sign-up of ${name}: ${r.status} ${r.text}`);
		users[name] = { id: r.json.user.id, cookies: Object.fromEntries(jar.cookies) };
	}
	const second = new Jar();
	await signIn(oracle.base, "plain", PASSWORDS.plain, second);
	await db.query(`UPDATE "user" SET role = 'user,admin' WHERE email = $1`, [email("admin")]);
	await db.query(`UPDATE "user" SET banned = true WHERE email = $1`, [email("banned")]);
	/*
	 * Rows as they are written by tools that import users into BetterAuth.
	 */
	await db.query(`UPDATE account SET "accountId" = $1 WHERE "userId" = $2`,
		[email("imported"), users.imported.id]);
	await db.query(`UPDATE "user" SET role = $1 WHERE email = $2`,
		["a-role-of-32-letters-and-digits,".repeat(256), email("collector")]);
	/* A user who signed up with another provider and has no password. */
	const id = { uuid: "01890000-0000-7000-8000-000000000001", serial: "4711" }[args.ids] ?? "social";
	await db.query(`INSERT INTO "user" (id, name, email, "emailVerified") VALUES ($1, 'S', $2, true)`,
		[id, email("social")]);
	await db.query(`INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt")
		VALUES ($1, '4711', 'github', $1, now())`, [id]);
	await db.end();
	await oracle.stop();
	writeFileSync(args.state, JSON.stringify({ users, second: Object.fromEntries(second.cookies) }));
	ok(true, `a database made by BetterAuth ${args.version}`);
}

async function check() {
	const state = JSON.parse(readFileSync(args.state));
	const base = args.base;
	for (const name of ["plain", "unicode", "astral", "admin", "browser", "imported"]) {
		const jar = jarWith(state.users[name].cookies);
		const s = await call(base, "/api/auth/get-session", { jar });
		is(s.json?.user?.id, state.users[name].id, `${name}: the old cookie is valid`);
		const me = await call(base, "/api/core/whoami", { jar });
		is([me.status, me.json?.userId], [200, state.users[name].id], `${name}: also beyond auth`);
		const r = await signIn(base, name);
		is([r.status, r.json?.user?.id], [200, state.users[name].id], `${name}: the old password signs in`);
	}
	is((await signIn(base, "plain", "not the password")).status, 401, "a wrong one does not");
	const collector = new Jar();
	const many = await signIn(base, "collector", PASSWORDS.collector, collector);
	is([many.status, many.json?.user?.role?.length], [200, 8192], "8 KiB of roles: signs in");
	is((await call(base, "/api/auth/get-session", { jar: collector })).json?.user?.id,
		state.users.collector.id, "and is known to auth");
	const refused = await call(base, "/api/core/whoami", { jar: collector });
	is([refused.status, refused.json?.code], [403, "FORBIDDEN"], "but fits in no assertion: 403");
	is((await signIn(base, "unicode", UNICODE.normalize("NFKC"))).status, 200,
		"a password is the same in every normal form");
	is((await signIn(base, "social", "anything at all")).status, 401, "no password, no sign-in");
	is([(await signIn(base, "banned")).status, (await signIn(base, "banned")).json?.code],
		[403, "BANNED_USER"], "banned: cannot sign in");
	is((await call(base, "/api/core/whoami", { jar: jarWith(state.users.banned.cookies) })).status, 403,
		"banned: the old cookie is refused");
	is((await call(base, "/api/core/admin/stats", { jar: jarWith(state.users.admin.cookies) })).status, 200,
		"the administrator is one still");
	is((await call(base, "/api/core/admin/stats", { jar: jarWith(state.users.plain.cookies) })).status, 403,
		"and nobody else");
	const accounts = await call(base, "/api/wallet/accounts", { jar: jarWith(state.users.plain.cookies) });
	is(accounts.status, 200, "a wallet for an adopted user");
	is((await call(base, "/api/auth/get-session", { jar: jarWith(state.users.plain.cookies) }))
		.json?.user?.hasWalletAccount, true, "which auth knows of");

	const second = jarWith(state.second);
	is((await call(base, "/api/auth/sign-out", { jar: second, json: {} })).status, 200, "an old session signs out");
	is((await call(base, "/api/auth/get-session", { jar: jarWith(state.second) })).text, "null", "and is gone");

	/*
	 * Rows that auth added, which BetterAuth must accept: a user, a session
	 * and a password.
	 */
	const jar = new Jar();
	const r = await call(base, "/api/auth/sign-up/email", { jar, json: {
		name: "Native", email: email("native"), password: UNICODE } });
	is(r.status, 200, "a new user beside the old");
	like(r.json?.user?.id, IDS[args.ids ?? "text"], "whose id is of the kind that there is");
	const changed = await call(base, "/api/auth/change-password", {
		jar: jarWith(state.users.plain.cookies),
		json: { currentPassword: PASSWORDS.plain, newPassword: "changed with us" } });
	is(changed.status, 200, "an old user changes the password");
	state.native = { id: r.json?.user?.id, cookies: Object.fromEntries(jar.cookies) };
	writeFileSync(args.state, JSON.stringify(state));
}

async function back() {
	const state = JSON.parse(readFileSync(args.state));
	const oracle = await startOracle({ ...args, migrate: false });
	const base = oracle.base;
	ok(true, `BetterAuth ${args.version} starts on our database`);
	const session = async (cookies) =>
		(await call(base, "/api/auth/get-session", { jar: jarWith(cookies) })).json?.user?.id;
	is((await signIn(base, "native", UNICODE)).json?.user?.id, state.native.id, "our password signs in there");
	is(await session(state.native.cookies), state.native.id, "our cookie is valid there");
	is((await signIn(base, "plain", "changed with us")).status, 200, "the changed password, too");
	is((await signIn(base, "unicode")).status, 200, "an untouched one, too");
	is(await session(state.users.admin.cookies), state.users.admin.id, "the oldest cookie, too");
	is(await session(state.second), undefined, "what was signed out here is out there");
	const r = await call(base, "/api/auth/sign-up/email", { jar: new Jar(), json: {
		name: "Later", email: email(`later-${Date.now()}`), password: PASSWORDS.plain } });
	is(r.status, 200, "it writes to our tables");
	await oracle.stop();
}

await ({ prepare, check, back })[command]();
done();
