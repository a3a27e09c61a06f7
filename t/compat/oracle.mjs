/*
 * A real BetterAuth server, the reference that auth is compared with.
 *
 *   node oracle.mjs --version 1.7.25|1.7.7|1.4.18 --database URL --secret S
 *       [--port 0] [--trusted a,b] [--plugins "a;b"] [--ids uuid|serial] [--options JSON] [--rate-limit] [--no-migrate]
 *
 * E-mail and password and the admin plugin are on, as in auth by default, and the
 * --plugins, each written as NAME or NAME=OPTIONS (JSON), and the --options; all other
 * options have BetterAuth's defaults.  Prints "listening on http://127.0.0.1:PORT" when it is
 * ready, and stops when its standard input closes, so that it never outlives its
 * caller.
 */
process.env.NODE_ENV = "production"; // the value "test" would switch BetterAuth's origin checks off
process.env.BETTER_AUTH_TELEMETRY = "0";

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import pg from "pg";

const { values: args } = parseArgs({
	options: {
		version: { type: "string", default: "1.7.25" },
		database: { type: "string" },
		secret: { type: "string" },
		port: { type: "string", default: "0" },
		trusted: { type: "string", default: "" },
		plugins: { type: "string", default: "" },
		ids: { type: "string" },
		options: { type: "string", default: "{}" },
		"rate-limit": { type: "boolean", default: false },
		mail: { type: "string" },
		"no-migrate": { type: "boolean", default: false },
	},
});

const name = `better-auth-${args.version}`;
const { betterAuth } = await import(name);
const all = await import(`${name}/plugins`);
const plugins = ["admin", ...args.plugins.split(";").filter(Boolean)].map((text) => {
	const [plugin, options] = text.split(/=(.*)/s);
	const make = all[plugin.replace(/-(.)/g, (_, c) => c.toUpperCase())];
	return make(options && JSON.parse(options));
});
const { toNodeHandler } = await import(`${name}/node`);
const { getMigrations } = await import(
	args.version.startsWith("1.4.") ? `${name}/db` : `${name}/db/migration`);

let handle = (req, res) => res.writeHead(503).end();
const server = createServer((req, res) => handle(req, res));
await new Promise((resolve) =>
	server.listen(Number(args.port), "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;

const pool = new pg.Pool({ connectionString: args.database, max: 8 });
pool.on("error", () => {}); // no exit on a lost connection: a test restarts PostgreSQL meanwhile
/* --mail MODE: sends links, as AUTH_EMAIL_VERIFICATION=MODE does, into a table. */
if (args.mail)
	await pool.query("CREATE TABLE IF NOT EXISTS sent_mail (id serial, recipient text, url text)");
const keep = (to, url) => pool.query("INSERT INTO sent_mail (recipient, url) VALUES ($1, $2)", [to, url]);
const mail = args.mail ? {
	emailAndPassword: { enabled: true, requireEmailVerification: args.mail === "required",
		sendResetPassword: ({ user, url }) => keep(user.email, url) },
	emailVerification: { sendVerificationEmail: ({ user, url }) => keep(user.email, url) },
	user: {
		changeEmail: { enabled: true,
			sendChangeEmailConfirmation: ({ user, url }) => keep(user.email, url) },
		deleteUser: { enabled: true,
			sendDeleteAccountVerification: ({ user, url }) => keep(user.email, url) },
	},
} : {};
const options = {
	baseURL,
	secret: args.secret,
	database: pool,
	trustedOrigins: args.trusted.split(",").filter(Boolean),
	emailAndPassword: { enabled: true },
	rateLimit: { enabled: args["rate-limit"] },
	plugins,
	telemetry: { enabled: false },
	...mail,
	...(args.ids ? { advanced: { database: { generateId: args.ids } } } : {}),
	logger: { level: "error" },
	...JSON.parse(args.options),
};
if (!args["no-migrate"]) {
	const { runMigrations } = await getMigrations(options);
	await runMigrations();
}
const auth = betterAuth(options);
await auth.$context; // throws here if the database schema cannot be used
handle = toNodeHandler(auth);
console.log(`listening on ${baseURL}`);

process.stdin.on("end", () => process.exit(0)).resume();
