/*
 * The request script of the differential test: every endpoint of auth that
 * BetterAuth also has, successful and failing, in a fixed order, so that a step
 * may use the results of earlier ones.
 *
 * A step is a name and what to send:
 *   get | post | send: [METHOD, path]      relative to /api/auth
 *   json | form | raw                      the body; `type` is its media type
 *   jar      the cookie jar that is sent and updated; none: no cookies
 *   cookie   this Cookie header instead; cookies in the response are dropped
 *   origin   the Origin header: by default the server's own, false for none
 *   headers  more headers, as an object
 *   sql      statements that run first, each [text, ...values]
 *   mail     an address: waits for the next message to it, whose link (from the base path
 *            on) is then values.link
 *   keep     called with (values, json, jar) after the response
 * Each may be a function of the side: { base, values, jars }.
 */
export const TRUSTED = "https://trusted.example";

const PASSWORD = "correct horse battery";
const steps = [];
const step = (name, s) => steps.push({ name, ...s });
const user = (name, more = {}) =>
	({ name, email: `${name}@example.com`, password: PASSWORD, ...more });
const login = (name, more = {}) =>
	({ email: `${name}@example.com`, password: PASSWORD, ...more });
/* Changes the times of a session by SQL, as if time had passed since. */
const shift = (email, set) => [[
	`UPDATE session SET ${set} WHERE "userId" = (SELECT id FROM "user" WHERE email = $1)`,
	email]];
const mac = (text) => text.slice(text.lastIndexOf(".") + 1);
const flip = (c) => (c === "A" ? "B" : "A");
const TOKEN = "better-auth.session_token";

/* Steps for /ok, and for paths that do not exist. */
step("ok", { get: "/ok" });
step("ok by POST", { post: "/ok", json: {} });
step("unknown path", { get: "/nothing-here" });
step("unknown path by POST", { post: "/nothing-here", json: {} });
step("the base path itself", { get: "" });
step("trailing slash", { get: "/ok/" });
step("double slash", { get: "//ok" });
step("HEAD ok", { send: ["HEAD", "/ok"] });
step("OPTIONS sign-in", { send: ["OPTIONS", "/sign-in/email"], headers: {
	"Access-Control-Request-Method": "POST" } });
step("GET sign-in", { get: "/sign-in/email" });
step("GET sign-up", { get: "/sign-up/email" });
step("PUT sign-up", { send: ["PUT", "/sign-up/email"], json: user("put") });
step("PATCH update-user", { send: ["PATCH", "/update-user"], json: { name: "x" } });
step("DELETE session", { send: ["DELETE", "/revoke-session"], json: { token: "x" } });
step("GET sign-out", { get: "/sign-out" });
step("upper case path", { get: "/OK" });

/* Steps for the error page. */
step("error page", { get: "/error" });
step("error page with a code", { get: "/error?error=access_denied" });
step("error page with a description", {
	get: "/error?error=access_denied&error_description=no%20way" });
step("error page with a hostile code", {
	get: "/error?error=%3Cscript%3Ealert(1)%3C/script%3E" });
step("error page with a hostile description", {
	get: "/error?error=a&error_description=%22%3E%3Cscript%3E%0d%0aX:1" });

/* Sign-up: invalid fields, one at a time and all together. */
step("sign-up without a body", { post: "/sign-up/email" });
step("sign-up with an empty object", { post: "/sign-up/email", json: {} });
step("sign-up with an array", { post: "/sign-up/email", json: [] });
step("sign-up with null", { post: "/sign-up/email", raw: "null" });
step("sign-up with a string", { post: "/sign-up/email", raw: "\"x\"" });
step("sign-up with a number", { post: "/sign-up/email", raw: "42" });
for (const field of ["name", "email", "password"]) {
	step(`sign-up without ${field}`, {
		post: "/sign-up/email", json: user("invalid", { [field]: undefined }) });
	for (const [what, value] of [["a number", 7], ["null", null], ["an object", {}],
		["an array", ["x"]], ["true", true], ["an empty string", ""]]) {
		if (field === "name" && value === "")
			continue; // an empty name is allowed: another step below sends it
		step(`sign-up with ${field} ${what}`, {
			post: "/sign-up/email", json: user("invalid", { [field]: value }) });
	}
}
step("sign-up with image a number", {
	post: "/sign-up/email", json: user("invalid", { image: 7 }) });
step("sign-up with image null", {
	post: "/sign-up/email", json: user("invalid", { image: null }) });
step("sign-up with callbackURL a number", {
	post: "/sign-up/email", json: user("invalid", { callbackURL: 7 }) });
step("sign-up with callbackURL an array", {
	post: "/sign-up/email", json: user("invalid", { callbackURL: ["/x"] }) });
step("sign-up with rememberMe a string", {
	post: "/sign-up/email", json: user("invalid", { rememberMe: "false" }) });
for (const email of ["plain", "a@b", "a@b.c", "a@@b.co", "a@b@c.co", "a b@c.co", ".a@b.co",
	"a..b@c.co", "a.@b.co", "a@-b.co", "a@b..co", "a@b.co ", " a@b.co", "\"a\"@b.co",
	"a\uFF20b.co", "\u00FC@b.co", "a@b\u00FC.co", "a@[127.0.0.1]", "a@b.co\r\nBcc: x@y.co",
	"a\u0000@b.co"])
	step(`sign-up with the address ${JSON.stringify(email)}`, {
		post: "/sign-up/email", json: user("invalid", { email }) });
step("sign-up with a password of 7", {
	post: "/sign-up/email", json: user("invalid", { password: "1234567" }) });
step("sign-up with a password of 129", {
	post: "/sign-up/email", json: user("invalid", { password: "x".repeat(129) }) });
step("sign-up with a password of 3 astral signs (6 units)", {
	post: "/sign-up/email", json: user("invalid", { password: "\u{1F600}".repeat(3) }) });

/* Sign-up: malformed bodies, and media types. */
step("sign-up with malformed JSON", { post: "/sign-up/email", raw: "{\"name\":" });
step("sign-up with trailing bytes", { post: "/sign-up/email",
	raw: () => JSON.stringify(user("invalid")) + "x" });
step("sign-up with an empty body of JSON", { post: "/sign-up/email", raw: "" });
step("sign-up as text/plain", { post: "/sign-up/email", type: "text/plain",
	raw: JSON.stringify(user("invalid")) });
step("sign-up as XML", { post: "/sign-up/email", type: "application/xml", raw: "<x/>" });
step("sign-up as multipart", { post: "/sign-up/email",
	type: "multipart/form-data; boundary=x", raw: "--x--\r\n" });
step("sign-up without a content type", { post: "/sign-up/email", type: false,
	raw: JSON.stringify(user("invalid")) });
step("change-password as a form", { post: "/change-password",
	form: { currentPassword: PASSWORD, newPassword: PASSWORD } });
step("update-user as a form", { post: "/update-user", form: { name: "x" } });

step("sign-up with a key twice", { post: "/sign-up/email",
	raw: JSON.stringify(user("twice")).replace("{", '{"name":"a",') });
step("sign-up with an address of 300", { post: "/sign-up/email",
	json: user("invalid", { email: `${"x".repeat(280)}@example.com` }) });
step("sign-up with a body of 100 kB", { post: "/sign-up/email",
	json: user("large", { unknown: "x".repeat(100_000) }) });
step("sign-up as application/jsonx", { post: "/sign-up/email", type: "application/jsonx",
	raw: JSON.stringify(user("jsonx")) });
step("sign-up in Latin-1", { post: "/sign-up/email", type: "application/json; charset=iso-8859-1",
	raw: JSON.stringify(user("latin")) });

/* Sign-up from different origins. */
step("sign-up without Origin", { post: "/sign-up/email", origin: false,
	json: user("noorigin", { password: "short" }) });
step("sign-up from a foreign origin", { post: "/sign-up/email", origin: "https://evil.example",
	json: user("evil") });
step("sign-up with a foreign Referer", { post: "/sign-up/email", origin: false,
	headers: { Referer: "https://evil.example/page" }, json: user("evil") });
step("sign-up with a Referer of our own", { post: "/sign-up/email", origin: false,
	headers: (s) => ({ Referer: `${s.base}/page?x=1` }), json: user("evil", { password: "x" }) });
step("sign-up with Origin null", { post: "/sign-up/email", origin: "null", json: user("evil") });
step("sign-up with Origin null, same-origin", { post: "/sign-up/email", origin: "null",
	headers: { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors" },
	json: user("evil", { password: "x" }) });
step("sign-up as a cross-site navigation", { post: "/sign-up/email", origin: false,
	headers: { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
		"Sec-Fetch-Dest": "document" }, form: user("evil") });
step("sign-up with Sec-Fetch and no Origin", { post: "/sign-up/email", origin: false,
	headers: { "Sec-Fetch-Mode": "cors" }, json: user("evil") });
step("sign-up from the trusted origin", { post: "/sign-up/email", origin: TRUSTED,
	json: user("trusted", { password: "x" }) });
step("sign-up from the trusted host on another port", { post: "/sign-up/email",
	origin: `${TRUSTED}:8443`, json: user("evil") });
step("sign-up from the trusted host over http", { post: "/sign-up/email",
	origin: TRUSTED.replace("https", "http"), json: user("evil") });
step("sign-up from an origin that only begins like ours", { post: "/sign-up/email",
	origin: `${TRUSTED}.evil.example`, json: user("evil") });

/* Sign-ups that succeed. */
step("sign-up", { post: "/sign-up/email", json: user("alice"), jar: "alice" });
step("get-session", { get: "/get-session", jar: "alice",
	keep: (v, j) => { v.aliceToken = j.session.token; } });
step("sign-up again with the same address", { post: "/sign-up/email", json: user("alice") });
step("sign-up again in other letters", { post: "/sign-up/email",
	json: user("alice", { email: "ALICE@Example.COM" }) });
step("sign-up again with a short password", { post: "/sign-up/email",
	json: user("alice", { password: "short" }) });
step("sign-up with an empty name", { post: "/sign-up/email",
	json: user("noname", { name: "" }), jar: "noname" });
step("sign-up with mixed case, image and callback", { post: "/sign-up/email",
	json: user("Carol", { email: "Carol@Example.com", image: "https://img.example/c.png",
		callbackURL: "/welcome" }), jar: "carol" });
step("sign-up with rememberMe false", { post: "/sign-up/email",
	json: user("dave", { rememberMe: false }), jar: "dave" });
step("get-session of a browser-session user", { get: "/get-session", jar: "dave" });
step("sign-up as a form", { post: "/sign-up/email", form: user("form"), jar: "form" });
step("sign-up with a charset on the type", { post: "/sign-up/email",
	type: "application/json; charset=utf-8", raw: JSON.stringify(user("charset")) });
step("sign-up with the type in capitals", { post: "/sign-up/email",
	type: "Application/JSON", raw: JSON.stringify(user("capitals")) });
step("sign-up with core columns in the body", { post: "/sign-up/email",
	json: user("mass", { id: "chosen", emailVerified: true, createdAt: "2001-01-01T00:00:00.000Z",
		unknown: "x" }), jar: "mass" });
step("sign-up with role", { post: "/sign-up/email", json: user("massrole", { role: "admin" }) });
step("sign-up with banned", { post: "/sign-up/email", json: user("massban", { banned: true }) });
step("sign-up with banReason", { post: "/sign-up/email", json: user("massreason", { banReason: "x" }) });
step("sign-up with eight astral units", { post: "/sign-up/email",
	json: user("astral", { password: "\u{1F600}".repeat(4) }) });
step("sign-up with a Unicode name", { post: "/sign-up/email",
	json: user("unicode", { name: "Zoë \u{1F600} \"<b>\"" }) });

/* Sign-in. */
step("sign-in without a body", { post: "/sign-in/email" });
step("sign-in with an empty object", { post: "/sign-in/email", json: {} });
for (const field of ["email", "password"]) {
	step(`sign-in without ${field}`, {
		post: "/sign-in/email", json: login("alice", { [field]: undefined }) });
	step(`sign-in with ${field} a number`, {
		post: "/sign-in/email", json: login("alice", { [field]: 7 }) });
	step(`sign-in with ${field} null`, {
		post: "/sign-in/email", json: login("alice", { [field]: null }) });
	step(`sign-in with ${field} empty`, {
		post: "/sign-in/email", json: login("alice", { [field]: "" }) });
}
step("sign-in with a bad address", { post: "/sign-in/email",
	json: login("alice", { email: "not-an-address" }) });
step("sign-in with a wrong password", { post: "/sign-in/email",
	json: login("alice", { password: "wrong password" }), jar: "nobody" });
step("sign-in of an unknown user", { post: "/sign-in/email", json: login("ghost"), jar: "nobody" });
step("sign-in with a password of 129", { post: "/sign-in/email",
	json: login("alice", { password: "x".repeat(129) }) });
step("sign-in of an unknown user with a password of 129", { post: "/sign-in/email",
	json: login("ghost", { password: "x".repeat(129) }) });
step("sign-in with rememberMe a string", { post: "/sign-in/email",
	json: login("alice", { rememberMe: "no" }) });
step("sign-in with malformed JSON", { post: "/sign-in/email", raw: "{" });
step("sign-in as text/plain", { post: "/sign-in/email", type: "text/plain",
	raw: JSON.stringify(login("alice")) });
step("sign-in from a foreign origin", { post: "/sign-in/email",
	origin: "https://evil.example", json: login("alice") });
step("sign-in with Sec-Fetch and no Origin", { post: "/sign-in/email", origin: false,
	headers: { "Sec-Fetch-Site": "same-origin" }, json: login("alice") });
step("sign-in as a cross-site navigation", { post: "/sign-in/email", origin: false,
	headers: { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" },
	form: login("alice") });
step("sign-in", { post: "/sign-in/email", json: login("alice"), jar: "alice2" });
step("sign-in in other letters", { post: "/sign-in/email",
	json: login("alice", { email: "Alice@EXAMPLE.com" }), jar: "alice3" });
step("sign-in without Origin and Sec-Fetch", { post: "/sign-in/email", origin: false,
	json: login("alice"), jar: "alice4" });
step("sign-in as a form", { post: "/sign-in/email", form: login("alice"), jar: "alice5" });
step("sign-in with rememberMe false", { post: "/sign-in/email",
	json: login("alice", { rememberMe: false }), jar: "browser" });
step("sign-in with rememberMe false in a browser of its own", { post: "/sign-in/email",
	json: login("alice", { rememberMe: false }), jar: "brief" });
step("sign-in after one with rememberMe false", {
	post: "/sign-in/email", json: login("alice"), jar: "brief" });
step("sign-in with a dont_remember that nobody signed", { post: "/sign-in/email",
	json: login("alice"), cookie: "better-auth.dont_remember=true.x" });
step("sign-up after a sign-in with rememberMe false", { post: "/sign-in/email",
	json: login("alice", { rememberMe: false }), jar: "shared" });
step("by somebody else in the same browser", { post: "/sign-up/email",
	json: user("shared"), jar: "shared" });
step("sign-in with a User-Agent", { post: "/sign-in/email", json: login("carol"),
	headers: { "User-Agent": "Kedge test/1.0 (\u00e9)" }, jar: "carol" });
step("sign-in with cookies and no Origin", { post: "/sign-in/email", origin: false,
	json: login("alice"), cookie: "anything=1" });
step("sign-in with a fixed session cookie", { post: "/sign-in/email", json: login("alice"),
	cookie: (s) => `${TOKEN}=${s.jars.dave.get(TOKEN)}` });

/* Sign-up with a callbackURL. */
for (const [what, callbackURL] of [
	["a path", "/home"], ["a path with a query", "/home?a=b&c=d%20e"],
	["a path with a fragment", "/home#top"], ["empty", ""],
	["the trusted origin", `${TRUSTED}/home`],
	["a foreign origin", "https://evil.example/"], ["//evil", "//evil.example"],
	["/\\evil", "/\\evil.example"], ["/%2fevil", "/%2fevil.example"],
	["/%5cevil", "/%5cevil.example"], ["javascript", "javascript:alert(1)"],
	["data", "data:text/html,x"], ["a bare word", "home"], ["https:evil", "https:evil.example"],
	["https:/evil", "https:/evil.example"], ["http:///evil", "http:///evil.example"],
	["a leading blank", " https://evil.example"], ["a tab", "/\thome"],
	["CRLF", "/home\r\nSet-Cookie: a=b"], ["userinfo", `${TRUSTED}@evil.example/`],
	["a longer host", `${TRUSTED}.evil.example/`], ["another port", `${TRUSTED}:444/`],
	["a homoglyph", "https://tru\u0455ted.example/"],
	["a backslash in the host", `${TRUSTED}\\@evil.example/`],
	["dots", "/../../evil"], ["a colon in the path", "/a:b"], ["@ in the path", "/@evil.example"],
])
	step(`sign-in with callbackURL ${what}`, { post: "/sign-in/email",
		json: login("charset", { callbackURL }) });
step("sign-in with our own origin as callbackURL", { post: "/sign-in/email",
	json: (s) => login("charset", { callbackURL: `${s.base}/home` }) });
step("sign-in with userinfo before our host", { post: "/sign-in/email",
	json: (s) => login("charset", { callbackURL: s.base.replace("//", "//evil@") }) });
step("sign-in with our origin as userinfo", { post: "/sign-in/email",
	json: (s) => login("charset", { callbackURL: `${s.base}@evil.example/` }) });
step("sign-in with callbackURL a number", { post: "/sign-in/email",
	json: login("charset", { callbackURL: 7 }) });
step("sign-in with callbackURL in the query", { post: "/sign-in/email?callbackURL=https://evil.example",
	json: login("charset") });
step("sign-up with a foreign callbackURL", { post: "/sign-up/email",
	json: user("evil", { callbackURL: "https://evil.example" }) });

/* get-session: the forms of the cookie, and the flags in the query. */
const asCookie = (get) => (s) => `${TOKEN}=${get(s.jars.alice.get(TOKEN), s)}`;
step("get-session without a cookie", { get: "/get-session" });
step("get-session, decoded cookie", { get: "/get-session", cookie: asCookie(decodeURIComponent) });
step("get-session, quoted cookie", { get: "/get-session", cookie: asCookie((c) => `"${c}"`) });
step("get-session, quoted and decoded", { get: "/get-session",
	cookie: asCookie((c) => `"${decodeURIComponent(c)}"`) });
step("get-session, lower case escapes", { get: "/get-session",
	cookie: asCookie((c) => c.replace(/%[0-9A-F]{2}/g, (e) => e.toLowerCase())) });
step("get-session, cookie among others", { get: "/get-session",
	cookie: (s) => `a=b;${TOKEN}=${s.jars.alice.get(TOKEN)}; c=d` });
step("get-session, first of two cookies counts", { get: "/get-session",
	cookie: (s) => `${TOKEN}=${s.jars.alice.get(TOKEN)}; ${TOKEN}=${s.jars.dave.get(TOKEN)}` });
step("get-session, first of two cookies is bad", { get: "/get-session",
	cookie: (s) => `${TOKEN}=x; ${TOKEN}=${s.jars.alice.get(TOKEN)}` });
step("get-session, wrong signature", { get: "/get-session",
	cookie: asCookie((c) => { const m = c.lastIndexOf(".") + 1;
		return c.slice(0, m) + flip(c[m]) + c.slice(m + 1); }) });
step("get-session, signature of another token", { get: "/get-session",
	cookie: asCookie((c, s) => c.slice(0, c.lastIndexOf(".") + 1) + mac(s.jars.dave.get(TOKEN))) });
step("get-session, another token under the signature", { get: "/get-session",
	cookie: asCookie((c) => flip(c[0]) + c.slice(1)) });
step("get-session, no signature", { get: "/get-session",
	cookie: asCookie((c) => c.slice(0, c.lastIndexOf("."))) });
step("get-session, signature cut short", { get: "/get-session", cookie: asCookie((c) => c.slice(0, -6)) });
step("get-session, signature without padding", { get: "/get-session",
	cookie: asCookie((c) => c.replace(/(%3D|=)$/, "")) });
step("get-session, signature alone", { get: "/get-session", cookie: asCookie((c) => `.${mac(c)}`) });
step("get-session, empty cookie", { get: "/get-session", cookie: `${TOKEN}=` });
step("get-session, garbage", { get: "/get-session", cookie: `${TOKEN}=%00%ff%zz` });
step("get-session, __Secure- name", { get: "/get-session",
	cookie: (s) => `__Secure-${TOKEN}=${s.jars.alice.get(TOKEN)}` });
step("get-session, name in capitals", { get: "/get-session",
	cookie: (s) => `${TOKEN.toUpperCase()}=${s.jars.alice.get(TOKEN)}` });
step("get-session, token as bearer", { get: "/get-session",
	headers: (s) => ({ Authorization: `Bearer ${s.values.aliceToken}` }) });
step("get-session, foreign session_data", { get: "/get-session",
	cookie: (s) => `${TOKEN}=${s.jars.alice.get(TOKEN)}; better-auth.session_data=e30` });
for (const q of ["disableCookieCache=true", "disableCookieCache=false", "disableRefresh=true",
	"disableRefresh=", "disableRefresh=false&disableCookieCache=0", "disableRefresh=a&disableRefresh=b",
	"unknown=1"])
	step(`get-session?${q}`, { get: `/get-session?${q}`, jar: "alice" });
step("get-session by POST", { post: "/get-session", json: {}, jar: "alice" });
step("get-session by POST of something else", { post: "/get-session", type: "text/plain",
	raw: "{", jar: "alice" });
step("get-session by POST without a cookie", { post: "/get-session", json: {} });
step("get-session by POST from a foreign origin", { post: "/get-session", json: {},
	jar: "alice", origin: "https://evil.example" });
step("get-session by HEAD", { send: ["HEAD", "/get-session"], jar: "alice" });
step("get-session from a foreign origin", { get: "/get-session", jar: "alice",
	origin: "https://evil.example" });

/* Sessions that have expired, and that are due for a refresh. */
step("sign-in for a session that expires", { post: "/sign-in/email", json: login("form"), jar: "old" });
step("get-session, expired", { get: "/get-session", jar: "old",
	sql: shift("form@example.com", `"expiresAt" = now() - interval '1 second'`) });
step("get-session, expired and gone", { get: "/get-session", jar: "form" });
step("sign-in for a session to refresh", { post: "/sign-in/email", json: login("form"), jar: "form" });
step("get-session, refresh not yet due", { get: "/get-session", jar: "form",
	sql: shift("form@example.com", `"expiresAt" = "expiresAt" - interval '86000 seconds'`) });
step("get-session, refresh due but disabled", { get: "/get-session?disableRefresh=true", jar: "form",
	sql: shift("form@example.com", `"expiresAt" = now() + interval '3 days'`) });
step("get-session, refresh due", { get: "/get-session", jar: "form" });
step("get-session, refreshed", { get: "/get-session", jar: "form" });
step("list-sessions, refresh due", { get: "/list-sessions", jar: "form",
	sql: shift("form@example.com", `"expiresAt" = now() + interval '3 days'`) });
step("get-session, refresh due, browser session", { get: "/get-session", jar: "dave",
	sql: shift("dave@example.com", `"expiresAt" = now() + interval '2 hours'`) });
step("get-session, expired, browser session", { get: "/get-session", jar: "dave",
	sql: shift("dave@example.com", `"expiresAt" = now() - interval '1 second'`) });
step("sign-in again after expiry", { post: "/sign-in/email", json: login("dave"), jar: "dave" });

/* Listing sessions, and requests that need a fresh session. */
step("list-sessions without a cookie", { get: "/list-sessions" });
step("list-sessions", { get: "/list-sessions", jar: "alice" });
step("list-sessions by POST", { post: "/list-sessions", json: {}, jar: "alice" });
step("list-sessions, not fresh", { get: "/list-sessions", jar: "form",
	sql: shift("form@example.com", `"createdAt" = now() - interval '25 hours', "updatedAt" = now()`) });
step("list-sessions, just fresh", { get: "/list-sessions", jar: "form",
	sql: shift("form@example.com",
		`"createdAt" = now() - interval '23 hours', "updatedAt" = now() - interval '25 hours'`) });
step("list-sessions with a bad cookie", { get: "/list-sessions", cookie: `${TOKEN}=x.y` });

/* Steps for update-user. */
step("update-user without a session", { post: "/update-user", json: { name: "x" } });
step("update-user without a body", { post: "/update-user", jar: "alice" });
step("update-user with nothing", { post: "/update-user", json: {}, jar: "alice" });
step("update-user with an array", { post: "/update-user", json: [], jar: "alice" });
step("update-user with a string", { post: "/update-user", raw: "\"x\"", jar: "alice" });
step("update-user name", { post: "/update-user", json: { name: "Alice B." }, jar: "alice" });
step("get-session after update-user", { get: "/get-session", jar: "alice" });
step("update-user name, empty", { post: "/update-user", json: { name: "" }, jar: "noname" });
step("update-user image", { post: "/update-user", json: { image: "https://img.example/a.png" }, jar: "alice" });
step("update-user image null", { post: "/update-user", json: { image: null }, jar: "alice" });
step("get-session after image null", { get: "/get-session", jar: "alice" });
step("update-user email", { post: "/update-user", json: { email: "new@example.com" }, jar: "alice" });
step("update-user email and name", { post: "/update-user",
	json: { email: "new@example.com", name: "y" }, jar: "alice" });
step("update-user email empty", { post: "/update-user", json: { email: "" }, jar: "alice" });
for (const [key, value] of [["role", "admin"], ["banned", true], ["banReason", "x"],
	["banExpires", "2030-01-01T00:00:00.000Z"], ["role", ""], ["banned", false]])
	step(`update-user ${key} ${JSON.stringify(value)}`, { post: "/update-user",
		json: { [key]: value }, jar: "alice" });
for (const [key, value] of [["id", "chosen"], ["emailVerified", true],
	["createdAt", "2001-01-01T00:00:00.000Z"], ["unknown", "x"], ["password", "x"]])
	step(`update-user ${key} ${JSON.stringify(value)}`, { post: "/update-user",
		json: { [key]: value }, jar: "alice" });
step("update-user name a number", { post: "/update-user", json: { name: 7 }, jar: "noname" });
step("update-user name null", { post: "/update-user", json: { name: null }, jar: "noname" });
step("update-user name an object", { post: "/update-user", json: { name: { a: 1 } }, jar: "noname" });
step("update-user from a foreign origin", { post: "/update-user", json: { name: "x" },
	jar: "alice", origin: "https://evil.example" });
step("update-user without Origin", { post: "/update-user", json: { name: "x" }, jar: "alice", origin: false });
step("update-user with malformed JSON", { post: "/update-user", raw: "{", jar: "alice" });
step("update-user as text", { post: "/update-user", raw: "name=x", type: "text/plain", jar: "alice" });
step("update-user of a browser session", { post: "/update-user", json: { name: "B" }, jar: "browser" });
step("get-session of everything set so far", { get: "/get-session", jar: "alice" });

/* Steps for change-password. */
const change = (currentPassword, newPassword, more = {}) => ({ currentPassword, newPassword, ...more });
step("change-password without a session", { post: "/change-password", json: change(PASSWORD, "another password") });
step("change-password without a body", { post: "/change-password", jar: "carol" });
step("change-password with nothing", { post: "/change-password", json: {}, jar: "carol" });
step("change-password without a session and with nothing", { post: "/change-password", json: {} });
step("change-password without current", { post: "/change-password",
	json: { newPassword: "another password" }, jar: "carol" });
step("change-password without new", { post: "/change-password",
	json: { currentPassword: PASSWORD }, jar: "carol" });
step("change-password, revokeOtherSessions a string", { post: "/change-password",
	json: change(PASSWORD, "another password", { revokeOtherSessions: "yes" }), jar: "carol" });
step("change-password, new too short", { post: "/change-password", json: change(PASSWORD, "short"), jar: "carol" });
step("change-password, new too long", { post: "/change-password",
	json: change(PASSWORD, "x".repeat(129)), jar: "carol" });
step("change-password, current wrong", { post: "/change-password",
	json: change("not my password", "another password"), jar: "carol" });
step("change-password, current wrong and new too short", { post: "/change-password",
	json: change("not my password", "short"), jar: "carol" });
step("change-password from a foreign origin", { post: "/change-password", origin: "https://evil.example",
	json: change(PASSWORD, "another password"), jar: "carol" });
step("change-password", { post: "/change-password", json: change(PASSWORD, "another password"), jar: "carol" });
step("sign-in with the old password", { post: "/sign-in/email", json: login("carol") });
step("sign-in with the new password", { post: "/sign-in/email",
	json: login("carol", { password: "another password" }), jar: "carol2" });
step("change-password and revoke others", { post: "/change-password", jar: "carol2",
	json: change("another password", PASSWORD, { revokeOtherSessions: true }) });
step("get-session after change and revoke", { get: "/get-session", jar: "carol2" });
step("get-session of the revoked", { get: "/get-session", jar: "carol" });
step("change-password and revoke others, browser session", { post: "/change-password", jar: "browser",
	json: change(PASSWORD, PASSWORD, { revokeOtherSessions: true }) });
step("sign-in again", { post: "/sign-in/email", json: login("alice"), jar: "alice" });
step("change-password without a credential account", { post: "/change-password",
	json: change(PASSWORD, "another password"), jar: "mass",
	sql: [[`DELETE FROM account WHERE "userId" = (SELECT id FROM "user" WHERE email = 'mass@example.com')`]] });
step("sign-in without a credential account", { post: "/sign-in/email", json: login("mass") });

/* sign-out. */
step("sign-out without a cookie", { post: "/sign-out", json: {} });
step("sign-out without a body", { post: "/sign-out", jar: "carol2" });
step("get-session after sign-out", { get: "/get-session", jar: "carol2" });
step("sign-out twice", { post: "/sign-out", json: {}, jar: "carol2" });
step("sign-out with a bad cookie", { post: "/sign-out", json: {}, cookie: `${TOKEN}=x.y` });
step("sign-out from a foreign origin", { post: "/sign-out", json: {}, jar: "alice",
	origin: "https://evil.example" });
step("sign-out without Origin", { post: "/sign-out", json: {}, jar: "alice", origin: false });
step("sign-out with Referer alone", { post: "/sign-out", json: {}, jar: "dave", origin: false,
	headers: (s) => ({ Referer: `${s.base}/x` }) });
step("get-session, refused sign-out changed nothing", { get: "/get-session", jar: "alice" });

/* Revocation. */
for (const n of [1, 2, 3])
	step(`sign-in ${n} to revoke`, { post: "/sign-in/email", json: login("unicode"), jar: `u${n}`,
		keep: (v, j) => { v[`u${n}`] = j.token; } });
step("revoke-session without a session", { post: "/revoke-session", json: { token: "x" } });
step("revoke-session without a body", { post: "/revoke-session", jar: "u1" });
step("revoke-session with nothing", { post: "/revoke-session", json: {}, jar: "u1" });
step("revoke-session with a number", { post: "/revoke-session", json: { token: 7 }, jar: "u1" });
step("revoke-session of an unknown token", { post: "/revoke-session", json: { token: "unknown" }, jar: "u1" });
step("revoke-session of somebody else's", { post: "/revoke-session", jar: "u1",
	json: (s) => ({ token: s.jars.alice.get(TOKEN).split(".")[0] }) });
step("get-session of somebody else, alive", { get: "/get-session", jar: "alice" });
step("revoke-session", { post: "/revoke-session", jar: "u1", json: (s) => ({ token: s.values.u2 }) });
step("get-session of the revoked session", { get: "/get-session", jar: "u2" });
step("list-sessions without the revoked", { get: "/list-sessions", jar: "u1" });
step("revoke-session from a foreign origin", { post: "/revoke-session", jar: "u1",
	origin: "https://evil.example", json: (s) => ({ token: s.values.u3 }) });
step("revoke-other-sessions without a session", { post: "/revoke-other-sessions", json: {} });
step("revoke-other-sessions", { post: "/revoke-other-sessions", json: {}, jar: "u1" });
step("get-session of another", { get: "/get-session", jar: "u3" });
step("get-session of the one that stays", { get: "/get-session", jar: "u1" });
step("revoke-sessions without a session", { post: "/revoke-sessions", json: {} });
step("revoke-sessions without a body", { post: "/revoke-sessions", jar: "u1" });
step("get-session after revoke-sessions", { get: "/get-session", jar: "u1" });
step("revoke-sessions, revoked", { post: "/revoke-sessions", json: {}, jar: "u3" });
step("GET revoke-sessions", { get: "/revoke-sessions" });
step("sign-in to revoke oneself", { post: "/sign-in/email", json: login("unicode"), jar: "u1",
	keep: (v, j) => { v.u1 = j.token; } });
step("revoke-session of oneself", { post: "/revoke-session", jar: "u1", json: (s) => ({ token: s.values.u1 }) });
step("get-session after revoking oneself", { get: "/get-session", jar: "u1" });

/* Banned. */
const ban = (set) => [[`UPDATE "user" SET ${set} WHERE email = 'unicode@example.com'`]];
step("sign-in, then a ban", { post: "/sign-in/email", json: login("unicode"), jar: "banned" });
step("get-session, then a ban", { get: "/get-session", jar: "banned", keep: (v, j, jar) => {
	v.banned = jar.get(TOKEN); } });
step("sign-in with a hash that cannot be read", { post: "/sign-in/email", json: login("charset"),
	sql: [[`UPDATE account SET password = 'x' WHERE "userId" = (SELECT id FROM "user" WHERE email = 'charset@example.com')`]] });
step("sign-in of the banned", { post: "/sign-in/email", json: login("unicode"),
	sql: ban(`banned = true, "banReason" = 'spam'`) });
step("get-session of the banned", { get: "/get-session", jar: "banned" });
step("list-sessions of the banned", { get: "/list-sessions", cookie: (s) =>
	`${TOKEN}=${s.jars.banned.get(TOKEN) ?? s.values.banned}` });
step("update-user of the banned", { post: "/update-user", json: { image: null }, cookie: (s) =>
	`${TOKEN}=${s.jars.banned.get(TOKEN) ?? s.values.banned}` });
step("sign-in of the banned with a wrong password", { post: "/sign-in/email",
	json: login("unicode", { password: "wrong password" }) });
step("sign-in after the ban has run out", { post: "/sign-in/email", json: login("unicode"), jar: "unbanned",
	sql: ban(`"banExpires" = now() - interval '1 second'`) });
step("get-session after the ban has run out", { get: "/get-session", jar: "unbanned" });
step("sign-in with a ban that runs on", { post: "/sign-in/email", json: login("unicode"),
	sql: ban(`banned = true, "banExpires" = now() + interval '1 hour'`) });

/* The roles of a user are shown as they are stored. */
step("get-session of an admin", { get: "/get-session", jar: "alice",
	sql: [[`UPDATE "user" SET role = 'admin,user' WHERE email = 'alice@example.com'`]] });
step("sign-in of an admin", { post: "/sign-in/email", json: login("alice") });

/*
 * A separate script for servers with rate limits, which would affect all other
 * steps.
 */
const limits = [];
const tooLong = { email: "limit@example.com", password: "x".repeat(129) }; // refused without hashing
for (const n of [1, 2, 3, 4, 5])
	limits.push({ name: `sign-in, try ${n}`, post: "/sign-in/email", json: tooLong });
limits.push({ name: "sign-in beyond the limit, malformed", post: "/sign-in/email", raw: "{" });
limits.push({ name: "sign-up has its own count", post: "/sign-up/email", json: {} });
limits.push({ name: "get-session goes on", get: "/get-session" });
for (const n of [1, 2, 3, 4])
	limits.push({ name: `change-password, try ${n}`, post: "/change-password", json: {} });

export { limits, steps };
