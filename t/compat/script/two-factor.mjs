/*
 * The plugin two-factor compared with BetterAuth's: steps as in lib/script.mjs,
 * the intended differences, and the official client with twoFactorClient().
 */
import { code } from "../lib/totp.mjs";

const PASSWORD = "correct horse battery";
const TOKEN = "better-auth.session_token";
const steps = [];
const step = (name, s) => steps.push({ name, ...s });
const person = (name) => ({ name, email: `${name}@example.com`, password: PASSWORD });
const login = (name, more = {}) =>
	({ email: `${name}@example.com`, password: PASSWORD, ...more });
const post = (path, json, more = {}) => ({ post: `/two-factor/${path}`, json, ...more });
/* auth accepts a code once; the tests of what else it does need more than there are. */
const forget = [[`DO $$ BEGIN UPDATE "twoFactor" SET kedge_used_step = NULL;
	EXCEPTION WHEN undefined_column THEN NULL; END $$`]];
const right = (name, more = {}) => ({ sql: forget, json: (s) =>
	({ code: code(s.values[name]), ...more }) });

/* Without a session. */
for (const path of ["enable", "disable", "get-totp-uri", "generate-backup-codes"]) {
	step(`${path} without a session`, post(path, { password: PASSWORD }));
	step(`${path} by GET`, { get: `/two-factor/${path}` });
}
for (const path of ["verify-totp", "verify-otp", "verify-backup-code"]) {
	step(`${path} without a session`, post(path, { code: "123456" }));
	step(`${path} with nothing`, post(path, {}));
	step(`${path} with a number`, post(path, { code: 123456 }));
	step(`${path} with an invented cookie`, post(path, { code: "123456" },
		{ cookie: "better-auth.two_factor=2fa-abcdefghijklmnopqrst.x" }));
}

/* Enabling. */
step("sign-up", { post: "/sign-up/email", json: person("ann"), jar: "ann" });
step("get-session before", { get: "/get-session", jar: "ann" });
step("get-totp-uri without a secret", post("get-totp-uri", { password: PASSWORD }, { jar: "ann" }));
step("verify-totp without a secret", post("verify-totp", { code: "123456" }, { jar: "ann" }));
step("verify-backup-code without codes", post("verify-backup-code", { code: "x" }, { jar: "ann" }));
step("generate-backup-codes without a secret", post("generate-backup-codes",
	{ password: PASSWORD }, { jar: "ann" }));
step("enable with nothing", post("enable", {}, { jar: "ann" }));
step("enable with a wrong password", post("enable", { password: "wrong password" }, { jar: "ann" }));
step("enable with an unknown method", post("enable", { password: PASSWORD, method: "sms" }, { jar: "ann" }));
step("enable by mail without mail", post("enable", { password: PASSWORD, method: "otp" }, { jar: "ann" }));
step("enable", post("enable", { password: PASSWORD, issuer: "A & B's: (shop)" }, { jar: "ann",
	keep: (v, j) => { v.first = j.totpURI; } }));
step("get-session while enabling", { get: "/get-session", jar: "ann" });
step("enable again", post("enable", { password: PASSWORD, issuer: "Shop" }, { jar: "ann",
	keep: (v, j) => { v.ann = j.totpURI; v.codes = j.backupCodes; } }));
step("get-totp-uri while enabling", post("get-totp-uri", { password: PASSWORD }, { jar: "ann" }));
step("verify-totp with a wrong code", post("verify-totp", { code: "000000" }, { jar: "ann" }));
step("verify-totp with the first secret's code", { ...post("verify-totp", null, { jar: "ann" }),
	json: (s) => ({ code: code(s.values.first) }) });
step("sign-in while enabling", { post: "/sign-in/email", json: login("ann"), jar: "other" });
step("verify-totp, the first", { ...post("verify-totp", null, { jar: "ann" }), ...right("ann") });
step("get-session after it", { get: "/get-session", jar: "ann" });
step("enable when it is enabled", post("enable", { password: PASSWORD }, { jar: "ann" }));
step("verify-totp with a session", { ...post("verify-totp", null, { jar: "ann" }), ...right("ann") });
step("verify-totp with a session, a wrong code", post("verify-totp", { code: "000000" }, { jar: "ann" }));
step("get-totp-uri", post("get-totp-uri", { password: PASSWORD }, { jar: "ann" }));
step("get-totp-uri with a wrong password", post("get-totp-uri", { password: "wrong password" }, { jar: "ann" }));
step("generate-backup-codes with a wrong password", post("generate-backup-codes",
	{ password: "wrong password" }, { jar: "ann" }));

/* Signing in. */
step("sign-in", { post: "/sign-in/email", json: login("ann"), jar: "in" });
step("get-session before the code", { get: "/get-session", jar: "in" });
step("send-otp without mail", post("send-otp", {}, { jar: "in" }));
step("sign-in, a wrong code", post("verify-totp", { code: "000000" }, { jar: "in" }));
step("sign-in, the code", { ...post("verify-totp", null, { jar: "in" }), ...right("ann") });
step("get-session after the code", { get: "/get-session", jar: "in" });
step("sign-in with rememberMe false", { post: "/sign-in/email",
	json: login("ann", { rememberMe: false }), jar: "brief" });
step("sign-in with rememberMe false, the code", { ...post("verify-totp", null, { jar: "brief" }), ...right("ann") });
step("get-session of a brief session", { get: "/get-session", jar: "brief" });
step("sign-in with a wrong password", { post: "/sign-in/email",
	json: login("ann", { password: "wrong password" }), jar: "wrong" });

/* A browser that is trusted. */
step("sign-in to be trusted", { post: "/sign-in/email", json: login("ann"), jar: "trusted" });
step("sign-in to be trusted, the code", { ...post("verify-totp", null, { jar: "trusted" }),
	...right("ann", { trustDevice: true }) });
step("sign-out of a trusted browser", { post: "/sign-out", json: {}, jar: "trusted" });
step("sign-in in a trusted browser", { post: "/sign-in/email", json: login("ann"), jar: "trusted" });
step("sign-in in a trusted browser again", { post: "/sign-in/email", json: login("ann"), jar: "trusted" });
step("sign-in with an invented trust", { post: "/sign-in/email", json: login("ann"),
	cookie: "better-auth.trust_device=x!y.z" });

/* Backup codes. */
step("sign-in for a backup code", { post: "/sign-in/email", json: login("ann"), jar: "backup" });
step("verify-backup-code, wrong", post("verify-backup-code", { code: "aaaaa-aaaaa" }, { jar: "backup" }));
step("verify-backup-code", { ...post("verify-backup-code", null, { jar: "backup" }),
	json: (s) => ({ code: s.values.codes[0] }) });
step("get-session after a backup code", { get: "/get-session", jar: "backup" });
step("sign-in for a used backup code", { post: "/sign-in/email", json: login("ann"), jar: "used" });
step("verify-backup-code, used", { ...post("verify-backup-code", null, { jar: "used" }),
	json: (s) => ({ code: s.values.codes[0] }) });
step("verify-backup-code with disableSession", { ...post("verify-backup-code", null, { jar: "used" }),
	json: (s) => ({ code: s.values.codes[1], disableSession: true }) });
step("get-session after disableSession", { get: "/get-session", jar: "used" });
step("verify-backup-code with a session", { ...post("verify-backup-code", null, { jar: "ann" }),
	json: (s) => ({ code: s.values.codes[2] }) });
step("generate-backup-codes", post("generate-backup-codes", { password: PASSWORD }, { jar: "ann" }));

/* Too many wrong codes. */
step("sign-in for wrong codes", { post: "/sign-in/email", json: login("ann"), jar: "guess",
	sql: [[`UPDATE "twoFactor" SET "failedVerificationCount" = 0`]] });
for (let i = 1; i <= 6; i++)
	step(`wrong code ${i} of a sign-in`, post("verify-totp", { code: "000000" }, { jar: "guess" }));
step("wrong code after the last", post("verify-totp", { code: "000000" }, { jar: "guess" }));
step("sign-in when locked", { post: "/sign-in/email", json: login("ann"), jar: "locked",
	sql: [[`UPDATE "twoFactor" SET "lockedUntil" = now() + interval '10 min'`]] });
step("the right code when locked", { ...post("verify-totp", null, { jar: "locked" }), ...right("ann") });
step("a backup code when locked", post("verify-backup-code", { code: "aaaaa-aaaaa" }, { jar: "locked" }));
step("sign-in when no longer locked", { post: "/sign-in/email", json: login("ann"), jar: "locked",
	sql: [[`UPDATE "twoFactor" SET "lockedUntil" = now() - interval '1 s', "failedVerificationCount" = 10`]] });
step("the right code when no longer locked", { ...post("verify-totp", null, { jar: "locked" }), ...right("ann") });

/* Disabling. */
step("disable with a wrong password", post("disable", { password: "wrong password" }, { jar: "ann" }));
step("disable in a trusted browser", post("disable", { password: PASSWORD }, { jar: "trusted" }));
step("get-session after disable", { get: "/get-session", jar: "trusted" });
step("sign-in after disable", { post: "/sign-in/email", json: login("ann"), jar: "plain" });
step("disable when it is not enabled", post("disable", { password: PASSWORD }, { jar: "plain" }));
step("verify-totp after disable", post("verify-totp", { code: "123456" }, { jar: "plain" }));

/* Requests that auth answers differently from BetterAuth. */
step("enable for a code twice", post("enable", { password: PASSWORD, issuer: "Shop" }, { jar: "plain",
	keep: (v, j) => { v.twice = j.totpURI; } }));
step("verify-totp for a code twice", { ...post("verify-totp", null, { jar: "plain" }),
	json: (s) => ({ code: (s.values.twiceCode = code(s.values.twice)) }) });
step("sign-in for a code twice", { post: "/sign-in/email", json: login("ann"), jar: "twice" });
step("a code for the second time", { ...post("verify-totp", null, { jar: "twice" }),
	json: (s) => ({ code: s.values.twiceCode }) });

export { steps };

export const differences = [
	{
		why: "the answer to the first right code has the new token, and the user as they are now",
		steps: /^verify-totp, the first$|^verify-totp for a code twice$/,
		expect: (a) => { a.body.user.twoFactorEnabled = true; return a; },
	},
	{
		why: "a code works once",
		steps: /^a code for the second time$/,
		expect: (a) => Object.assign(a, { status: 401, cookies: [],
			body: { code: "INVALID_CODE", message: "Invalid code" } }),
	},
	{
		why: "a user who is locked is told for how long",
		steps: / when locked$/,
		expect: (a) => Object.assign(a, a.status === 429 ? { again: "<seconds>", retry: "<seconds>" } : {}),
	},
	{
		why: "the cookie of a trusted browser comes before that of the session",
		steps: /^sign-in in a trusted browser/,
		expect: (a) => Object.assign(a, { cookies: a.cookies.reverse() }),
	},
];

/* Steps with the official client. */
export async function client({ browser, plugins, is, ok, version }) {
	const mine = [plugins.twoFactorClient()];
	const { client: ann, jar } = browser(mine);
	const email = `tf-${Math.random().toString(36).slice(2)}@example.com`;

	let r = await ann.signUp.email({ name: "Ann", email, password: PASSWORD });
	is(r.error, null, "signUp.email");
	r = await ann.twoFactor.enable({ password: "wrong password" });
	is([r.error.status, r.error.code], [400, "INVALID_PASSWORD"], "twoFactor.enable with a wrong password");
	r = await ann.twoFactor.enable({ password: PASSWORD });
	is([r.error, r.data?.backupCodes.length], [null, 10], "twoFactor.enable");
	const { totpURI, backupCodes } = r.data;
	r = await ann.twoFactor.getTotpUri({ password: PASSWORD });
	is([r.error, r.data], [null, { totpURI }], "twoFactor.getTotpUri");
	r = await ann.twoFactor.verifyTotp({ code: "000000" });
	is([r.error.status, r.error.code], [401, "INVALID_CODE"], "twoFactor.verifyTotp with a wrong code");
	is((await ann.twoFactor.verifyTotp({ code: code(totpURI, -1) })).error, null, "twoFactor.verifyTotp");
	is((await ann.getSession()).data.user.twoFactorEnabled, true, "is seen in the session");
	await ann.signOut();

	r = await ann.signIn.email({ email, password: PASSWORD });
	is([r.error, r.data?.twoFactorRedirect], [null, true], "signIn.email asks for the second factor");
	ok(!jar.get(TOKEN), "and begins no session");
	is((await ann.getSession()).data, null, "nobody is signed in");
	r = await ann.twoFactor.verifyTotp({ code: code(totpURI), trustDevice: true });
	is([r.error, r.data?.user.email], [null, email], "twoFactor.verifyTotp signs in");
	is((await ann.getSession()).data.user.email, email, "somebody is signed in");
	await ann.signOut();
	r = await ann.signIn.email({ email, password: PASSWORD });
	is([r.error, r.data?.user?.email], [null, email], "a trusted browser is not asked");

	const { client: again } = browser(mine);
	await again.signIn.email({ email, password: PASSWORD });
	r = await again.twoFactor.verifyBackupCode({ code: backupCodes[0] });
	is([r.error, r.data?.user.email], [null, email], "twoFactor.verifyBackupCode signs in");
	r = await again.twoFactor.generateBackupCodes({ password: PASSWORD });
	is([r.error, r.data?.backupCodes.length], [null, 10], "twoFactor.generateBackupCodes");
	is((await again.twoFactor.disable({ password: PASSWORD })).error, null, "twoFactor.disable");
	is((await again.getSession()).data.user.twoFactorEnabled, false, "is seen in the session");
	await again.signOut();
	is((await again.signIn.email({ email, password: PASSWORD })).data?.user?.email, email, "signIn.email asks no more");
}
