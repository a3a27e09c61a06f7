/*
 * The plugin bearer compared with BetterAuth's: steps as in lib/script.mjs, the
 * intended differences, and the official client with a token instead of
 * cookies.
 */
const PASSWORD = "correct horse battery";
const TOKEN = "better-auth.session_token";
const steps = [];
const step = (name, s) => steps.push({ name, ...s });
const person = (name, more = {}) =>
	({ name, email: `${name}@example.com`, password: PASSWORD, ...more });
const login = (name, more = {}) =>
	({ email: `${name}@example.com`, password: PASSWORD, ...more });
const bearer = (get, scheme = "Bearer") => (s) => ({ Authorization: `${scheme} ${get(s)}` });
const raw = (s) => s.values.ann;
const encoded = (s) => s.jars.ann.get(TOKEN);
const decoded = (s) => decodeURIComponent(encoded(s));

/*
 * The value of a session's cookie is also returned as a token (set-auth-token).
 */
step("sign-up", { post: "/sign-up/email", json: person("ann"), jar: "ann",
	keep: (v, j) => { v.ann = j.token; } });
step("sign-up of another", { post: "/sign-up/email", json: person("bob"), jar: "bob",
	keep: (v, j) => { v.bob = j.token; } });
step("sign-in", { post: "/sign-in/email", json: login("ann") });
step("sign-in with rememberMe false", { post: "/sign-in/email", json: login("ann", { rememberMe: false }) });
step("sign-in with rememberMe false, for a token", { post: "/sign-in/email",
	json: login("ann", { rememberMe: false }), keep: (v, j) => { v.brief = j.token; } });
step("get-session, disableRefresh, of a session with rememberMe false", {
	get: "/get-session?disableRefresh=true", headers: bearer((s) => s.values.brief) });
step("get-session, token of a session with rememberMe false", { get: "/get-session",
	headers: bearer((s) => s.values.brief) });
step("sign-in with a wrong password", { post: "/sign-in/email", json: login("ann", { password: "wrong one" }) });
step("get-session with a cookie", { get: "/get-session", jar: "ann" });

/* The forms in which a token is accepted. */
step("get-session, raw token", { get: "/get-session", headers: bearer(raw) });
step("get-session, signed and encoded", { get: "/get-session", headers: bearer(encoded) });
step("get-session, signed and decoded", { get: "/get-session", headers: bearer(decoded) });
for (const scheme of ["bearer", "BEARER", "Basic", "Token", "Bearer ", "Bearer\t"])
	step(`get-session, scheme ${JSON.stringify(scheme)}`, { get: "/get-session", headers: bearer(raw, scheme) });
step("get-session, no scheme", { get: "/get-session", headers: (s) => ({ Authorization: raw(s) }) });
step("get-session, scheme alone", { get: "/get-session", headers: { Authorization: "Bearer" } });
step("get-session, blanks behind the scheme", { get: "/get-session", headers: { Authorization: "Bearer   " } });
step("get-session, blanks around", { get: "/get-session", headers: bearer((s) => `  ${raw(s)}  `) });
step("get-session, wrong signature", { get: "/get-session",
	headers: bearer((s) => decoded(s).replace(/.{3}=$/, "AAA=")) });
step("get-session, the signature of another token", { get: "/get-session",
	headers: bearer((s) => `${s.values.bob}.${decoded(s).split(".")[1]}`) });
step("get-session, signature cut short", { get: "/get-session", headers: bearer((s) => decoded(s).slice(0, -5)) });
step("get-session, empty signature", { get: "/get-session", headers: bearer((s) => `${raw(s)}.`) });
step("get-session, signature alone", { get: "/get-session", headers: bearer((s) => `.${decoded(s).split(".")[1]}`) });
step("get-session, a token that nobody has", { get: "/get-session", headers: bearer(() => "x".repeat(32)) });
step("get-session, percent signs", { get: "/get-session", headers: bearer((s) => `%zz${raw(s)}`) });

/* A request with both a token and a cookie. */
step("get-session, token of one and cookie of another", { get: "/get-session", headers: bearer(raw), jar: "bob" });
step("get-session, token that nobody has and a good cookie", { get: "/get-session",
	headers: bearer(() => "x".repeat(32)), cookie: (s) => `${TOKEN}=${s.jars.bob.get(TOKEN)}` });
step("get-session, ill-signed token and a good cookie", { get: "/get-session",
	headers: bearer(() => "x.y"), cookie: (s) => `${TOKEN}=${s.jars.bob.get(TOKEN)}` });
step("get-session, Basic and a good cookie", { get: "/get-session",
	headers: bearer(raw, "Basic"), cookie: (s) => `${TOKEN}=${s.jars.bob.get(TOKEN)}` });

/* Requests that change data, and the check of their Origin. */
step("update-user with a token", { post: "/update-user", json: { name: "Ann B." }, headers: bearer(raw) });
step("update-user with a token and no origin", { post: "/update-user", json: { name: "Ann C." },
	headers: bearer(raw), origin: false });
step("update-user with a token from a foreign origin", { post: "/update-user", json: { name: "Ann D." },
	headers: bearer(raw), origin: "https://evil.example" });
step("update-user with a token and a cookie from a foreign origin", { post: "/update-user",
	json: { name: "Ann E." }, headers: bearer(raw), cookie: "a=b", origin: "https://evil.example" });
step("update-user with a token that nobody has", { post: "/update-user", json: { name: "x" },
	headers: bearer(() => "x".repeat(32)) });
step("list-sessions with a token", { get: "/list-sessions", headers: bearer(raw) });
step("get-session, refresh due", { get: "/get-session", headers: bearer(raw), sql: [[
	`UPDATE session SET "expiresAt" = now() + interval '3 days'
	 WHERE "userId" = (SELECT id FROM "user" WHERE email = 'ann@example.com')`]] });
step("change-password with a token", { post: "/change-password", headers: bearer((s) => s.values.bob),
	json: { currentPassword: PASSWORD, newPassword: "another password", revokeOtherSessions: true },
	keep: (v, j) => { v.bob2 = j.token; } });
step("get-session, the token of before", { get: "/get-session", headers: bearer((s) => s.values.bob) });
step("get-session, the token of after", { get: "/get-session", headers: bearer((s) => s.values.bob2) });
step("revoke-session with a token", { post: "/revoke-session", headers: bearer((s) => s.values.bob2),
	json: (s) => ({ token: s.values.bob2 }) });
step("sign-out with a token", { post: "/sign-out", json: {}, headers: bearer(raw) });
step("get-session after sign-out", { get: "/get-session", headers: bearer(raw) });
step("list-sessions after sign-out", { get: "/list-sessions", headers: bearer(raw) });

export { steps };

export const differences = [
	{
		why: "a token that nobody has does not delete the cookie of another session",
		steps: /^get-session, token that nobody has and a good cookie$/,
		expect: (a) => Object.assign(a, { cookies: [] }),
	},
	{
		why: "the page of an origin that is not trusted gets no CORS header",
		steps: /^update-user with a token from a foreign origin$/,
		expect: (a) => Object.assign(a, { expose: null }),
	},
];

/*
 * The official client, which keeps the token of set-auth-token, as BetterAuth's
 * manual shows.
 */
export async function client({ browser, is, like }) {
	let token = "";
	const jarless = { auth: { type: "Bearer", token: () => token },
		onSuccess: (ctx) => { token = ctx.response.headers.get("set-auth-token") ?? token; } };
	const { client: ann, jar } = browser([], { fetchOptions: jarless });
	const email = `bearer-${Math.random().toString(36).slice(2)}@example.com`;

	let r = await ann.signUp.email({ name: "Ann", email, password: PASSWORD });
	is(r.error, null, "signUp.email");
	like(token, /^[A-Za-z0-9]{32,}\./, "set-auth-token has the signed token");
	jar.cookies.clear();
	r = await ann.getSession();
	is([r.error, r.data?.user.email], [null, email], "getSession by the token alone");
	is((await ann.updateUser({ name: "Ann B." })).data, { status: true }, "updateUser");
	jar.cookies.clear();
	is((await ann.listSessions()).data?.length, 1, "listSessions");
	is((await ann.getSession()).data.user.name, "Ann B.", "what it changed is seen");
	const kept = token;
	is((await ann.signOut()).data, { success: true }, "signOut");
	jar.cookies.clear();
	token = kept;
	is((await ann.getSession()).data, null, "the token is dead");
}
