/*
 * The plugin username compared with BetterAuth's: steps as in lib/script.mjs,
 * the intended differences, and the official client with usernameClient().
 */
const PASSWORD = "correct horse battery";
const TOKEN = "better-auth.session_token";
const steps = [];
const step = (name, s) => steps.push({ name, ...s });
const person = (name, more = {}) =>
	({ name, email: `${name}@example.com`, password: PASSWORD, ...more });
const login = (username, more = {}) => ({ username, password: PASSWORD, ...more });

const NAMES = [["short", "ab"], ["shortest", "abc"], ["long", "a".repeat(31)],
	["longest", "a".repeat(30)], ["empty", ""], ["with a blank", "a b c"], ["with a dash", "a-b-c"],
	["with an at sign", "ann@example.com"], ["with a dot and a line", "a._b"], ["of digits", "12345"],
	["with an umlaut", "\u00FCber"], ["of astral signs", "\u{1F600}\u{1F600}"],
	["of three astral units", "\u{1F600}a"], ["with a blank before", " ann"], ["fullwidth", "\uFF41\uFF42\uFF43"],
	["Kelvin", "\u212Aelvin"], ["Turkish", "\u0130stanbul"]];

/* Sign-up. */
step("sign-up without a user name", { post: "/sign-up/email", json: person("none"), jar: "none" });
step("get-session without a user name", { get: "/get-session", jar: "none" });
step("sign-up with a user name", { post: "/sign-up/email", json: person("ann", { username: "Ann_1" }),
	jar: "ann" });
step("get-session with a user name", { get: "/get-session", jar: "ann" });
step("sign-up with both", { post: "/sign-up/email", jar: "bob",
	json: person("bob", { username: "BOB", displayUsername: "Bob the Builder" }) });
step("sign-up with a display name that is a user name", { post: "/sign-up/email",
	json: person("cleo", { displayUsername: "Cleo.P" }), jar: "cleo" });
step("sign-up with a display name that is none", { post: "/sign-up/email",
	json: person("dan", { displayUsername: "Dan the Man!" }), jar: "dan" });
step("sign-up with an empty display name", { post: "/sign-up/email",
	json: person("eve", { username: "eve", displayUsername: "" }), jar: "eve" });
step("sign-up with user name null", { post: "/sign-up/email",
	json: person("nil", { username: null }), jar: "nil" });
for (const [what, username] of NAMES) {
	step(`sign-up with a user name ${what}`, { post: "/sign-up/email",
		json: person("tried", { username, password: "short" }) });
	step(`is-username-available ${what}`, { post: "/is-username-available", json: { username } });
	step(`sign-in with a user name ${what}`, { post: "/sign-in/username", json: login(username) });
}
step("sign-up with a name that is taken", { post: "/sign-up/email",
	json: person("again", { username: "ann_1" }) });
step("sign-up with a name that is taken, in other letters", { post: "/sign-up/email",
	json: person("again", { username: "ANN_1" }) });
step("sign-up with a display name that is taken as a user name", { post: "/sign-up/email",
	json: person("again", { displayUsername: "ann_1" }) });
step("sign-up with a name and an address that are taken", { post: "/sign-up/email",
	json: person("ann", { username: "ann_1" }) });
step("sign-up with a taken name and a short password", { post: "/sign-up/email",
	json: person("again", { username: "ann_1", password: "short" }) });
step("sign-up with a bad name and nothing else", { post: "/sign-up/email", json: { username: "a" } });
step("sign-up with a role and a name", { post: "/sign-up/email",
	json: person("again", { username: "again", role: "admin" }) });
step("sign-up as a form with a user name", { post: "/sign-up/email",
	form: person("form", { username: "FormName" }), jar: "form" });

/* Sign-in. */
step("sign-in", { post: "/sign-in/username", json: login("ann_1"), jar: "ann2" });
step("get-session after sign-in", { get: "/get-session", jar: "ann2" });
step("sign-in in other letters", { post: "/sign-in/username", json: login("ANN_1"), jar: "ann3" });
step("sign-in with rememberMe false", { post: "/sign-in/username",
	json: login("ann_1", { rememberMe: false }), jar: "brief" });
step("sign-in after rememberMe false", { post: "/sign-in/username", json: login("ann_1"), jar: "brief" });
step("sign-in with a callbackURL", { post: "/sign-in/username",
	json: login("ann_1", { callbackURL: "/home?a=b" }) });
step("sign-in with an empty callbackURL", { post: "/sign-in/username",
	json: login("ann_1", { callbackURL: "" }) });
step("sign-in with a foreign callbackURL", { post: "/sign-in/username",
	json: login("ann_1", { callbackURL: "https://evil.example" }) });
step("sign-in with a wrong password", { post: "/sign-in/username",
	json: login("ann_1", { password: "wrong password" }) });
step("sign-in of nobody", { post: "/sign-in/username", json: login("nobody") });
step("sign-in by a display name", { post: "/sign-in/username", json: login("Dan the Man!") });
step("sign-in by an address", { post: "/sign-in/username", json: login("ann@example.com") });
step("sign-in with an empty password", { post: "/sign-in/username", json: login("ann_1", { password: "" }) });
step("sign-in with a password of 129", { post: "/sign-in/username",
	json: login("ann_1", { password: "x".repeat(129) }) });
step("sign-in of nobody with a password of 129", { post: "/sign-in/username",
	json: login("nobody", { password: "x".repeat(129) }) });
step("sign-in without a body", { post: "/sign-in/username" });
step("sign-in with nothing", { post: "/sign-in/username", json: {} });
for (const field of ["username", "password"])
	for (const [what, value] of [["a number", 7], ["null", null], ["an object", {}]])
		step(`sign-in with ${field} ${what}`, { post: "/sign-in/username",
			json: login("ann_1", { [field]: value }) });
step("sign-in with rememberMe a string", { post: "/sign-in/username",
	json: login("ann_1", { rememberMe: "no" }) });
step("sign-in as a form", { post: "/sign-in/username", form: login("ann_1") });
step("sign-in by GET", { get: "/sign-in/username" });
step("sign-in without Origin and with a cookie", { post: "/sign-in/username", origin: false,
	json: login("ann_1"), cookie: "a=b" });
step("sign-in from a foreign origin, with a cookie", { post: "/sign-in/username",
	origin: "https://evil.example", json: login("ann_1"), cookie: "a=b" });
step("sign-in from a foreign origin", { post: "/sign-in/username",
	origin: "https://evil.example", json: login("ann_1") });
step("sign-in without an account", { post: "/sign-in/username", json: login("cleo.p"),
	sql: [[`DELETE FROM account WHERE "userId" = (SELECT id FROM "user" WHERE email = 'cleo@example.com')`]] });
step("sign-in of the banned", { post: "/sign-in/username", json: login("bob"),
	sql: [[`UPDATE "user" SET banned = true WHERE email = 'bob@example.com'`]] });
step("sign-in of the banned with a wrong password", { post: "/sign-in/username",
	json: login("bob", { password: "wrong password" }) });

/* Requests that ask whether a name is available. */
step("is-username-available, free", { post: "/is-username-available", json: { username: "free_name" } });
step("is-username-available, taken", { post: "/is-username-available", json: { username: "ann_1" } });
step("is-username-available, taken in other letters", { post: "/is-username-available",
	json: { username: "Ann_1" } });
step("is-username-available without a body", { post: "/is-username-available" });
step("is-username-available with nothing", { post: "/is-username-available", json: {} });
step("is-username-available of a number", { post: "/is-username-available", json: { username: 7 } });
step("is-username-available by GET", { get: "/is-username-available?username=ann_1" });

/* Steps for update-user. */
step("update-user username", { post: "/update-user", json: { username: "Ann_2" }, jar: "ann" });
step("get-session after another user name", { get: "/get-session", jar: "ann" });
step("sign-in by the new name", { post: "/sign-in/username", json: login("ann_2") });
step("sign-in by the old name", { post: "/sign-in/username", json: login("ann_1") });
step("update-user displayUsername", { post: "/update-user", json: { displayUsername: "Ann Two" }, jar: "ann" });
step("update-user both and name", { post: "/update-user",
	json: { username: "ann_3", displayUsername: "Ann Three", name: "Ann" }, jar: "ann" });
step("get-session after both", { get: "/get-session", jar: "ann" });
step("update-user with one's own name", { post: "/update-user", json: { username: "ANN_3" }, jar: "ann" });
step("update-user with a taken name", { post: "/update-user", json: { username: "EVE" }, jar: "ann" });
step("update-user with a short name", { post: "/update-user", json: { username: "a" }, jar: "ann" });
step("update-user with a bad name", { post: "/update-user", json: { username: "a b c" }, jar: "ann" });
step("update-user with an empty name", { post: "/update-user", json: { username: "" }, jar: "ann" });
step("update-user with a bad name and no session", { post: "/update-user", json: { username: "a" } });
step("update-user with a name and no session", { post: "/update-user", json: { username: "free_name" } });
step("update-user with an empty display name", { post: "/update-user",
	json: { displayUsername: "" }, jar: "ann" });
step("update-user displayUsername null", { post: "/update-user",
	json: { displayUsername: null }, jar: "ann" });
step("update-user username null", { post: "/update-user", json: { username: null }, jar: "ann" });
step("get-session after it all", { get: "/get-session", jar: "ann" });
step("update-user of one who has no name yet", { post: "/update-user",
	json: { username: "late_comer" }, jar: "none" });
step("get-session of one who has a name now", { get: "/get-session", jar: "none" });

/* Requests that auth answers differently from BetterAuth. */
for (const [what, value] of [["a number", 7], ["true", true], ["an object", {}], ["an array", ["ann"]]])
	step(`sign-up with a user name that is ${what}`, { post: "/sign-up/email",
		json: person("typed", { username: value }) });
step("update-user with a user name that is a number", { post: "/update-user",
	json: { username: 7 }, jar: "ann" });
step("update-user with a taken name and no session", { post: "/update-user", json: { username: "eve" } });

export { steps };

const refused = (status, code, message) => (a) => Object.assign(a, { status, body: { code, message },
	type: "application/json", cookies: [], location: null });
export const differences = [
	...[["a number", "number"], ["true", "boolean"], ["an object", "object"], ["an array", "array"]]
		.map(([what, type]) => ({
			why: `a user name is a text, not ${what}`,
			steps: new RegExp(`with a user name that is ${what}$`),
			expect: refused(400, "VALIDATION_ERROR",
				`[body.username] Invalid input: expected string, received ${type}`),
		})),
	{
		why: "whether a name is taken is told only to those who are signed in, by update-user",
		steps: /^update-user with a taken name and no session$/,
		expect: refused(401, "UNAUTHORIZED", "Unauthorized"),
	},
];

/* Steps with the official client. */
export async function client({ browser, plugins, is, ok }) {
	const mine = [plugins.usernameClient()];
	const { client: ann, jar } = browser(mine);
	const unique = Math.random().toString(36).slice(2, 10);
	const username = `Ann_${unique}`;
	const email = `ann-${unique}@example.com`;

	is((await ann.isUsernameAvailable({ username })).data, { available: true }, "isUsernameAvailable, free");
	let r = await ann.signUp.email({ name: "Ann", email, password: PASSWORD, username });
	is([r.error, r.data?.user.email], [null, email], "signUp.email with a user name");
	r = await ann.getSession();
	is([r.data.user.username, r.data.user.displayUsername], [username.toLowerCase(), username],
		"is seen in the session");
	is((await ann.isUsernameAvailable({ username: username.toUpperCase() })).data, { available: false },
		"isUsernameAvailable, taken");
	is((await ann.signOut()).error, null, "signOut");
	ok(!jar.get(TOKEN), "and no cookie is left");

	r = await ann.signIn.username({ username, password: "wrong password" });
	is([r.error.status, r.error.code], [401, "INVALID_USERNAME_OR_PASSWORD"], "signIn.username, wrong password");
	r = await ann.signIn.username({ username: "a", password: PASSWORD });
	is([r.error.status, r.error.code], [422, "USERNAME_TOO_SHORT"], "signIn.username, no name");
	r = await ann.signIn.username({ username, password: PASSWORD });
	is([r.error, r.data?.user.email], [null, email], "signIn.username");
	is((await ann.getSession()).data.user.email, email, "is signed in");

	const { client: bob } = browser(mine);
	r = await bob.signUp.email({ name: "Bob", email: `bob-${unique}@example.com`, password: PASSWORD, username });
	is([r.error.status, r.error.code], [400, "USERNAME_IS_ALREADY_TAKEN"], "signUp.email with a name that is taken");
	r = await ann.updateUser({ username: `${username}_2` });
	is([r.error, r.data], [null, { status: true }], "updateUser");
	is((await ann.getSession()).data.user.username, `${username}_2`.toLowerCase(), "another name");
}
