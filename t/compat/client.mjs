/*
 * Runs the official BetterAuth client, unchanged, against a server.
 *
 *   node client.mjs --base URL --version 1.7.25|1.7.7|1.4.18 [--oracle]
 *
 * --oracle: the server is BetterAuth itself, which lacks Kedge's own members.
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

import { Jar, pageFetch } from "./lib/http.mjs";
import { done, is, like, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		base: { type: "string" },
		version: { type: "string", default: "1.7.25" },
		oracle: { type: "boolean", default: false },
	},
});

const { createAuthClient } = await import(`better-auth-${args.version}/client`);
const { adminClient } = await import(`better-auth-${args.version}/client/plugins`);

function browser(origin = args.base) {
	const page = pageFetch(origin);
	const client = createAuthClient({
		baseURL: args.base,
		plugins: [adminClient()],
		fetchOptions: { customFetchImpl: page.fetch },
	});
	return { client, jar: page.jar };
}

const email = `client-${randomUUID()}@Example.com`;
const password = "correct horse battery";
const { client: alice, jar } = browser();

/* Signed out. */
is(await alice.getSession(), { data: null, error: null }, "getSession, signed out");
let r = await alice.listSessions();
is([r.data, r.error.status, r.error.statusText], [null, 401, "Unauthorized"],
	"listSessions, signed out");

/* Sign-up. */
r = await alice.signUp.email({ name: "Alice", email, password });
is(r.error, null, "signUp.email");
is([r.data.user.name, r.data.user.email, r.data.user.emailVerified],
	["Alice", email.toLowerCase(), false], "its user");
ok(r.data.user.createdAt instanceof Date, "dates are Dates");
ok(typeof r.data.token === "string" && r.data.token.length >= 32, "its token");
ok(jar.get("better-auth.session_token"), "and a session cookie");

r = await alice.getSession();
is(r.error, null, "getSession");
is(r.data.user.email, email.toLowerCase(), "whose session");
ok(r.data.session.expiresAt instanceof Date, "when it ends");
const life_h = (r.data.session.expiresAt - Date.now()) / 3_600_000;
ok(life_h > 167 && life_h <= 168, "in a week");
if (!args.oracle)
	is([r.data.user.hasCoreAccount, r.data.user.hasWalletAccount], [false, false],
		"no accounts in the services yet");

r = await alice.signUp.email({ name: "Again", email, password });
is([r.error.status, r.error.code], [422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"],
	"signUp.email of a known address");
r = await alice.signUp.email({ name: "Short", email: "short@example.com", password: "short" });
is([r.error.status, r.error.code, r.error.message],
	[400, "PASSWORD_TOO_SHORT", "Password too short"], "signUp.email, short password");
r = await alice.signUp.email({ name: "Bad", email: "bad", password });
is([r.error.status, r.error.code], [400, "VALIDATION_ERROR"], "signUp.email, bad address");

/* The user signs in on another device. */
const { client: phone, jar: phoneJar } = browser();
r = await phone.signIn.email({ email, password: "not the password" });
is([r.data, r.error.status, r.error.code], [null, 401, "INVALID_EMAIL_OR_PASSWORD"],
	"signIn.email, wrong password");
r = await phone.signIn.email({ email, password, rememberMe: false });
is([r.error, r.data.redirect, r.data.user.name], [null, false, "Alice"], "signIn.email");
ok(phoneJar.get("better-auth.dont_remember"), "rememberMe false is remembered");
const phoneToken = r.data.token;
r = await phone.signIn.email({ email, password, callbackURL: "/home" });
is([r.data.redirect, r.data.url], [true, "/home"], "signIn.email with callbackURL");
r = await browser("https://evil.example").client.signIn.email({ email, password });
is([r.error.status, r.error.code], [403, "INVALID_ORIGIN"], "signIn.email from elsewhere");

/* The user lists the sessions, and revokes one. */
r = await alice.listSessions();
is([r.error, r.data.length], [null, 3], "listSessions");
ok(r.data.every((s) => s.token && s.createdAt instanceof Date), "each with a token");
r = await alice.revokeSession({ token: phoneToken });
is([r.error, r.data], [null, { status: true }], "revokeSession");
is((await alice.listSessions()).data.length, 2, "one less");

/* Profile. */
is((await alice.updateUser({ name: "Alice B.", image: "https://img.example/a.png" })).data,
	{ status: true }, "updateUser");
r = await alice.getSession();
is([r.data.user.name, r.data.user.image], ["Alice B.", "https://img.example/a.png"],
	"is seen at once");
r = await alice.updateUser({ role: "admin" });
is([r.error.status, r.error.code], [400, "FIELD_NOT_ALLOWED"], "updateUser of one's role");

/* Password. */
r = await alice.changePassword({ currentPassword: "wrong password", newPassword: "another password" });
is([r.error.status, r.error.code], [400, "INVALID_PASSWORD"], "changePassword, current wrong");
const before = jar.get("better-auth.session_token");
r = await alice.changePassword({ currentPassword: password, newPassword: "another password",
	revokeOtherSessions: true });
is([r.error, r.data.user.email], [null, email.toLowerCase()], "changePassword");
like(r.data.token, /.{32}/, "with a new token");
ok(jar.get("better-auth.session_token") !== before, "and a new cookie");
is((await phone.getSession()).data, null, "the phone is signed out");
is((await alice.getSession()).data.user.name, "Alice B.", "we are not");
r = await phone.signIn.email({ email, password });
is(r.error.status, 401, "the old password is dead");
r = await phone.signIn.email({ email, password: "another password" });
is(r.error, null, "the new one lives");

/*
 * The user revokes the other sessions, then all sessions, then the current one.
 */
is((await alice.revokeOtherSessions()).data, { status: true }, "revokeOtherSessions");
is((await phone.getSession()).data, null, "the phone is out again");
await phone.signIn.email({ email, password: "another password" });
const kept = jar.copy();
is((await alice.revokeSessions()).data, { status: true }, "revokeSessions");
is([(await alice.getSession()).data, (await phone.getSession()).data], [null, null], "all are out");
ok(kept.get("better-auth.session_token") && !jar.get("better-auth.session_token"),
	"getSession has taken the dead cookie away");
await alice.signIn.email({ email, password: "another password" });
r = await alice.signOut();
is([r.error, r.data], [null, { success: true }], "signOut");
is(jar.cookies.size, 0, "no cookie is left");
is(await alice.getSession(), { data: null, error: null }, "getSession, signed out again");

/*
 * For an endpoint that auth does not have, the client gets a well-formed 404.
 */
r = await alice.$fetch("/nothing-here");
is([r.error.status, r.error.statusText], [404, "Not Found"], "an unknown path");
done();
