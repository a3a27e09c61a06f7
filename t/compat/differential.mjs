/*
 * Sends the same requests to two servers and compares the responses.
 *
 *   node differential.mjs --a URL --a-db DBURL --b URL --b-db DBURL
 *       [--script PLUGIN] [--same] [--limits] [--only TEXT] [--verbose]
 *
 * a is the real BetterAuth, b is auth; --same when b is a second BetterAuth, so
 * that no difference is allowed; --script for the script of a plugin (script/);
 * --limits for the script about rate limits.
 * Compared are: status, body (shape, types, and every value that is not
 * random), codes and messages, Set-Cookie names, attributes and order,
 * Location, Content-Type, caching, set-auth-token.
 */
import { inspect, parseArgs } from "node:util";
import pg from "pg";

import * as known from "./lib/differences.mjs";
import { Jar, request } from "./lib/http.mjs";
import * as mail from "./lib/mail.mjs";
import * as own from "./lib/script.mjs";
import { diag, done, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		a: { type: "string" },
		"a-db": { type: "string" },
		b: { type: "string" },
		"b-db": { type: "string" },
		same: { type: "boolean", default: false },
		limits: { type: "boolean", default: false },
		script: { type: "string" },
		"b-mail": { type: "string" },
		only: { type: "string" },
		verbose: { type: "boolean", default: false },
	},
});

/* A plugin's script has its own list of differences, beside the common ones. */
const plugin = args.script && await import(`./script/${args.script}.mjs`);
const steps = plugin ? plugin.steps : args.limits ? own.limits : own.steps;
const differences = plugin ?
	[...known.differences.filter((d) => !d.steps && !d.limits), ...plugin.differences] :
	known.differences;

class Side {
	constructor(base, database, mailDirectory) {
		this.base = base;
		this.values = {};
		this.jars = {};
		this.db = new pg.Pool({ connectionString: database, max: 1 });
		this.mails = mailDirectory ? mail.ofDirectory(mailDirectory) : mail.ofTable(this.db);
		this.seen = {}; /* messages to each address that a step has read */
	}

	async play(s) {
		const value = (v) => (typeof v === "function" ? v(this) : v);
		for (const [text, ...values] of value(s.sql) ?? [])
			await this.db.query(text, values);
		/* The path of the link in the next message to this address. */
		if (s.mail) {
			const all = await mail.newest(this.mails, s.mail, this.seen[s.mail] ?? 0);
			this.seen[s.mail] = all.length;
			this.values.link = all.at(-1).replace(/^.*?\/api\/auth/, "");
		}
		const jar = s.jar && (this.jars[s.jar] ??= new Jar());
		const headers = Object.entries(value(s.headers) ?? {});
		const cookie = value(s.cookie) ?? jar?.header();
		if (cookie)
			headers.push(["Cookie", cookie]);
		const origin = s.origin === undefined ? this.base : value(s.origin);
		if (origin)
			headers.push(["Origin", origin]);

		let body = value(s.raw);
		let type = s.type ?? "application/json";
		if (s.json !== undefined) {
			body = JSON.stringify(value(s.json));
		} else if (s.form !== undefined) {
			body = new URLSearchParams(value(s.form)).toString();
			type = "application/x-www-form-urlencoded";
		}
		if (body !== undefined && type)
			headers.push(["Content-Type", type]);
		const [method, path] = s.send ?? (s.post === undefined ?
			["GET", s.get] : ["POST", s.post]);

		const answer = await request(this.base, {
			method, path: `/api/auth${value(path)}`, headers, body });
		if (jar)
			jar.store(answer.cookies);
		let json;
		try {
			json = JSON.parse(answer.text);
		} catch { /* the response is not JSON, which is allowed */ }
		if (s.keep && json)
			s.keep(this.values, json, jar);
		return this.describe(answer, json);
	}

	/*
	 * Returns the response with every random value replaced by a
	 * description of its kind.
	 */
	describe(answer, json) {
		/* Only auth has it, beside message and code (t/17-cors.t). */
		if (typeof json?.help === "string")
			delete json.help;
		const h = answer.headers;
		return {
			status: answer.status,
			type: h["content-type"] ?? null,
			body: json === undefined ? answer.text : this.plain(json),
			cookies: answer.cookies.map((c) => this.cookie(c)),
			location: h.location === undefined ? null : this.local(h.location),
			cache: h["cache-control"] ?? null,
			pragma: h.pragma ?? null,
			retry: h["x-retry-after"] ? "<seconds>" : null,
			again: h["retry-after"] ? "<seconds>" : null,
			allow: h.allow ?? null,
			token: h["set-auth-token"] === undefined ? null :
				this.cookie(`set-auth-token=${h["set-auth-token"]}`),
			encoded: h["set-auth-token"]?.includes("%") ?? null,
			expose: h["access-control-expose-headers"] ?? null,
		};
	}

	plain(v, key) {
		if (Array.isArray(v))
			return v.map((item) => this.plain(item)).sort((x, y) =>
				JSON.stringify(x) < JSON.stringify(y) ? -1 : 1);
		if (v !== null && typeof v === "object")
			return Object.fromEntries(Object.keys(v).sort().map((k) => [k, this.plain(v[k], k)]));
		if (typeof v !== "string")
			return v;
		if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(v))
			return this.time(Date.parse(v), key);
		if (key === "requestId")
			return "<request>";
		if (key === "token" && /^[A-Za-z0-9_-]{32,}$/.test(v))
			return "<token>";
		if (/^(id|userId|accountId)$/.test(key) && /^([A-Za-z0-9]{32}|[0-9a-f-]{36})$/.test(v))
			return "<id>";
		if (/^[A-Za-z0-9]{5}-[A-Za-z0-9]{5}$/.test(v))
			return "<backup code>";
		if (v.startsWith("otpauth:"))
			return this.local(v.replace(/secret=[A-Z2-7]+/, "secret=<secret>"));
		return this.local(v);
	}

	/*
	 * Replaces the server's own address, also in a URL that hides it behind
	 * user information.
	 */
	local(text) {
		return text.replaceAll(this.base.replace("http://", ""), "<host>")
			.replace(/token=[A-Za-z0-9_.-]{20,}/g, "token=<token>");
	}

	/*
	 * Of a session's times, its lifetime is compared, not the exact time.
	 */
	time(ms, key) {
		if (key !== "expiresAt")
			return "<time>";
		const hours = Math.round((ms - Date.now()) / 3_600_000);
		return `<in ${hours} h>`;
	}

	cookie(line) {
		const [pair, ...attributes] = line.split("; ");
		const at = pair.indexOf("=");
		let value = pair.slice(at + 1);
		const signed = /^(.+)\.[A-Za-z0-9+/]{43}=$/.exec(decodeURIComponent(value));
		if (signed)
			value = signed[1].length >= 32 ? "<token>.<mac>" :
				`${signed[1].replace(/^2fa-.{20}$/, "<challenge>")}.<mac>`;
		/*
		 * The two servers get a request at different times, which may
		 * differ by whole seconds.
		 */
		const near = attributes.map((a) => a.replace(/^Max-Age=(\d+)$/,
			(_, s) => `Max-Age=${Number(s) > 100 ? `${Math.round(Number(s) / 100)}00` : s}`));
		return [`${pair.slice(0, at)}=${value}`, ...near].join("; ");
	}
}

const a = new Side(args.a, args["a-db"]);
const b = new Side(args.b, args["b-db"], args["b-mail"]);
const used = new Set();

/* Sorts an object's members, so that equal objects have equal texts. */
const text = (v) => JSON.stringify(v, (_, o) => (o === null || typeof o !== "object" ||
	Array.isArray(o) ? o : Object.fromEntries(Object.entries(o).sort())));

function expected(name, ra) {
	for (const d of args.same ? [] : differences) {
		if (Boolean(d.limits) !== args.limits && d.limits !== undefined ||
		    d.steps && !d.steps.test(name))
			continue;
		const before = text(ra);
		d.expect(ra);
		if (text(ra) !== before)
			used.add(d);
	}
	return ra;
}

function compare(name, reference, rb) {
	const ra = expected(name, reference);
	const wrong = Object.keys(ra).filter((aspect) => text(ra[aspect]) !== text(rb[aspect]));
	ok(wrong.length === 0, name);
	for (const aspect of wrong) {
		diag(`${aspect}`);
		diag(`  should be: ${inspect(ra[aspect], { depth: 6, breakLength: 120 })}`);
		diag(`  auth says: ${inspect(rb[aspect], { depth: 6, breakLength: 120 })}`);
	}
	if (args.verbose)
		diag(inspect(ra, { depth: 6, breakLength: 120 }));
}

for (const s of steps) {
	if (args.only && !s.name.includes(args.only))
		continue;
	try {
		const [ra, rb] = await Promise.all([a.play(s), b.play(s)]);
		compare(s.name, ra, rb);
	} catch (e) {
		ok(false, s.name);
		diag(e.stack);
	}
}
/*
 * A listed difference that does not occur any more must be removed from the
 * list (and from the manual).
 */
if (!args.same && !args.only)
	for (const d of plugin ? plugin.differences :
		differences.filter((d) => Boolean(d.limits) === args.limits))
		ok(used.has(d), `still a difference: ${d.why}`);
done();
await Promise.all([a.db.end(), b.db.end()]);
