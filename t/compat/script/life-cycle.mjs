/*
 * Mail and the life cycle of an account, compared with BetterAuth's options
 * emailVerification, sendResetPassword, changeEmail and deleteUser: steps as in
 * lib/script.mjs, the intended differences, and the official client.
 */
import { ofDirectory, newest } from "../lib/mail.mjs";

const PASSWORD = "correct horse battery";
const steps = [];
const step = (name, s) => steps.push({ name, ...s });
const mailOf = (name) => `${name}@example.com`;
const person = (name, more = {}) => ({ name, email: mailOf(name), password: PASSWORD, ...more });
const link = (side) => side.values.link;
const without = (side) => link(side).replace(/[?&]callbackURL=.*/, "");
const token = (side) => /reset-password\/(\w+)/.exec(link(side))?.[1] ?? /token=([\w.-]+)/.exec(link(side))?.[1];

for (const name of ["ann", "bob", "cas", "dan", "eve"])
	step(`sign-up of ${name}`, { post: "/sign-up/email", json: person(name), jar: name });

/* A new password. */
const ask = "/request-password-reset";
step("request-password-reset of nobody", { post: ask, json: { email: "nobody@example.com" } });
step("request-password-reset", { post: ask, json: { email: mailOf("ann"), redirectTo: "/new?a=b" } });
step("reset link", { mail: mailOf("ann"), get: link });
step("reset link with an absolute callbackURL", { get: (side) => `${link(side).replace(/\?.*/, "")}?callbackURL=${encodeURIComponent(`${side.base}/n`)}` });
step("reset link with an empty callbackURL", { get: (side) => `${link(side).replace(/\?.*/, "")}?callbackURL=` });
step("reset link without callbackURL", { get: (side) => link(side).replace(/\?.*/, "") });
step("reset link to a foreign page", { get: (side) => `${link(side).replace(/\?.*/, "")}?callbackURL=https%3A%2F%2Fevil.example` });
step("reset link with a wrong token", { get: "/reset-password/wrong?callbackURL=%2Fnew" });
for (const [what, json] of [["nothing", {}], ["no body", undefined], ["a number", { email: 7 }],
	["no address", { email: "x" }], ["redirectTo a number", { email: mailOf("ann"), redirectTo: 7 }],
	["redirectTo foreign", { email: mailOf("ann"), redirectTo: "https://evil.example" }]])
	step(`request-password-reset with ${what}`, { post: ask, json });
for (const [what, json] of [["nothing", {}], ["no token", { newPassword: "another horse" }],
	["a wrong token", { newPassword: "another horse", token: "wrong" }],
	["an empty token", { newPassword: "another horse", token: "" }],
	["newPassword a number", { newPassword: 7, token: "wrong" }]])
	step(`reset-password with ${what}`, { post: "/reset-password", json });
step("reset-password, too short", { post: "/reset-password", json: (side) => ({ newPassword: "short", token: token(side) }) });
step("reset-password, too long", { post: "/reset-password", json: (side) => ({ newPassword: "x".repeat(129), token: token(side) }) });
step("reset-password", { post: "/reset-password", json: (side) => ({ newPassword: "another horse", token: token(side) }) });
step("reset-password again", { post: "/reset-password", json: (side) => ({ newPassword: "a third horse", token: token(side) }) });
step("sign-in with the old password", { post: "/sign-in/email", json: person("ann") });
step("sign-in with the new password", { post: "/sign-in/email", json: person("ann", { password: "another horse" }), jar: "ann2" });
step("get-session of before the reset", { get: "/get-session", jar: "ann" });
step("request-password-reset for a token in the query", { post: ask, json: { email: mailOf("ann") } });
step("reset-password by a token in the query", { mail: mailOf("ann"), send: ["POST", (side) => `/reset-password?token=${token(side)}`], json: { newPassword: PASSWORD } });

/* An address is confirmed. */
const send = "/send-verification-email";
step("send-verification-email of another address", { post: send, json: { email: "x@example.com" }, jar: "bob" });
step("send-verification-email", { post: send, json: { email: mailOf("bob"), callbackURL: "/in?a=b" }, jar: "bob" });
step("verification link with a wrong token", { get: "/verify-email?token=wrong" });
step("verification link with a wrong token and a page", { get: "/verify-email?token=wrong&callbackURL=%2Fin%3Fa%3Db" });
step("verification link without a token", { get: "/verify-email" });
step("verification link", { mail: mailOf("bob"), get: link });
step("verification link again", { get: without });
step("get-session after verification", { get: "/get-session", jar: "bob" });
step("send-verification-email when verified", { post: send, json: { email: mailOf("bob") }, jar: "bob" });
step("send-verification-email with nothing", { post: send, json: {} });
step("send-verification-email to a foreign page", { post: send, json: { email: mailOf("bob"), callbackURL: "https://evil.example" } });

/* It is changed: of an unverified user, and of a verified one. */
step("change-email without a session", { post: "/change-email", json: { newEmail: "x@example.com" } });
step("change-email to the same", { post: "/change-email", json: { newEmail: mailOf("cas") }, jar: "cas" });
step("change-email to no address", { post: "/change-email", json: { newEmail: "x" }, jar: "cas" });
step("change-email, unverified", { post: "/change-email", json: { newEmail: "Cas2@example.com", callbackURL: "/s" }, jar: "cas" });
step("change link of another user", { mail: "cas2@example.com", get: without, jar: "bob" });
step("change link", { get: without, jar: "cas" });
step("change link again", { get: without });
step("get-session after a change", { get: "/get-session", jar: "cas" });
step("change-email, verified", { post: "/change-email", json: { newEmail: "bob2@example.com", callbackURL: "/s" }, jar: "bob" });
step("confirmation link", { mail: mailOf("bob"), get: link });
step("second link, without a session", { mail: "bob2@example.com", get: link });
step("get-session after a change, verified", { get: "/get-session", jar: "bob" });

/* Accounts, and the deletion. */
step("list-accounts", { get: "/list-accounts", jar: "dan" });
step("list-accounts without a session", { get: "/list-accounts" });
step("unlink-account, the last", { post: "/unlink-account", json: { accountId: "x" }, jar: "dan" });
step("unlink-account, unknown", { post: "/unlink-account", json: { accountId: "x" }, jar: "dan",
	sql: [[`INSERT INTO account (id, "accountId", "providerId", "userId", scope, "createdAt", "updatedAt")
		SELECT 'second', 'at', 'github', id, 'a,b', now(), now() FROM "user" WHERE email = 'dan@example.com'`]] });
step("list-accounts with two", { get: "/list-accounts", jar: "dan" });
step("unlink-account", { post: "/unlink-account", json: { accountId: "second" }, jar: "dan" });
step("unlink-account, an old session", { post: "/unlink-account", json: { accountId: "x" }, jar: "dan",
	sql: [[`UPDATE session SET "createdAt" = now() - interval '2 days' WHERE "userId" = (SELECT id FROM "user" WHERE email = 'dan@example.com')`]] });
step("delete-user without a session", { post: "/delete-user", json: {} });
step("delete-user, wrong password", { post: "/delete-user", json: { password: "wrong password" }, jar: "eve" });
step("delete-user, wrong token", { post: "/delete-user", json: { token: "wrong" }, jar: "eve" });
step("delete-user", { post: "/delete-user", json: { callbackURL: "/bye" }, jar: "eve" });
step("deletion link without a session", { mail: mailOf("eve"), get: without });
step("deletion link of nobody", { get: "/delete-user/callback?token=wrong", jar: "eve" });
step("deletion link without a token", { get: "/delete-user/callback", jar: "eve" });
step("deletion link", { get: link, jar: "eve" });
step("get-session after the deletion", { get: "/get-session", jar: "eve" });

export { steps };

export const differences = [
	{
		why: "a reset ends all sessions",
		steps: /^get-session of before the reset$/,
		expect: (a) => Object.assign(a, { body: null, cookies: ["session_token", "session_data", "dont_remember"]
			.map((name) => `better-auth.${name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`) }),
	},
];

/* Steps with the official client; `mail` is the directory of auth's messages. */
export async function client({ browser, is, ok, version, mail }) {
	const mails = ofDirectory(mail);
	const unique = Math.random().toString(36).slice(2, 10);
	const email = `ann-${unique}@example.com`;
	const { client: ann } = browser();
	const next = async (to, seen = 0) => (await newest(mails, to, seen)).at(-1);
	const visit = async (who, url) => who.$fetch(new URL(url).pathname.replace("/api/auth", "")
		+ new URL(url).search.replace(/&callbackURL=.*/, ""));

	let r = await ann.signUp.email({ name: "Ann", email, password: PASSWORD });
	is(r.error, null, "signUp.email");
	r = await ann.sendVerificationEmail({ email, callbackURL: "/in" });
	is(r.data, { status: true }, "sendVerificationEmail");
	r = await ann.verifyEmail({ query: { token: new URL(await next(email)).searchParams.get("token") } });
	is([r.error, r.data?.status], [null, true], "verifyEmail");
	is((await ann.getSession()).data.user.emailVerified, true, "the session shows it");

	r = await (ann.requestPasswordReset ?? ann.forgetPassword)({ email, redirectTo: "/new" });
	is([r.error, r.data?.status], [null, true], "requestPasswordReset");
	const token = /reset-password\/(\w+)/.exec(await next(email, 1))[1];
	r = await ann.resetPassword({ newPassword: "another horse", token });
	is([r.error, r.data], [null, { status: true }], "resetPassword");
	is((await ann.getSession()).data, null, "the session is over");
	r = await ann.resetPassword({ newPassword: "a third horse", token });
	is([r.error.status, r.error.code], [400, "INVALID_TOKEN"], "resetPassword, again");
	is((await ann.signIn.email({ email, password: "another horse" })).error, null, "signIn.email");

	r = await ann.changeEmail({ newEmail: `new-${email}`, callbackURL: "/s" });
	is(r.data, { status: true }, "changeEmail");
	r = await visit(ann, await next(email, 2));
	is(r.error, null, "the old address confirms it");
	r = await visit(ann, await next(`new-${email}`));
	is([r.error, r.data?.user.email], [null, `new-${email}`], "the new one, too");
	is((await ann.listAccounts()).data.map((a) => a.providerId), ["credential"], "listAccounts");

	r = await ann.deleteUser({ callbackURL: "/bye" });
	is(r.data?.message, "Verification email sent", "deleteUser");
	const url = await next(`new-${email}`, 1);
	const { client: eve } = browser();
	is((await visit(eve, url)).error.status, 404, "a visit of somebody else deletes nobody");
	r = await visit(ann, url);
	is(r.data?.message, "User deleted", "the owner's does");
	ok((await ann.getSession()).data === null, `nobody is signed in (client ${version})`);
}
