/*
 * Deliberate differences between auth and BetterAuth 1.7.25.  Each row is
 * explained in docs/COMPATIBILITY.md.
 *   why     a short reason
 *   steps   the names of the steps that it applies to; all when left out
 *   expect  changes BetterAuth's response into the one that auth must give
 */

/* Calls visit for every object in a body, at any depth. */
function each(value, visit) {
	if (value === null || typeof value !== "object")
		return;
	if (!Array.isArray(value))
		visit(value);
	for (const v of Object.values(value))
		each(v, visit);
}

const refused = (status, code, message) => (a) => {
	a.status = status;
	a.type = "application/json";
	a.body = { code, message };
	a.cookies = [];
	a.location = null;
};

export const differences = [
	{
		why: "no answer of auth is for a cache to keep",
		expect: (a) => { a.cache = "no-store"; },
	},
	{
		why: "a user shows in which services it has an account",
		expect: (a) => each(a.body, (o) => {
			if ("emailVerified" in o)
				Object.assign(o, { hasCoreAccount: false, hasWalletAccount: false, hasLinksAccount: false });
		}),
	},
	{
		why: "a session keeps the address that nginx saw",
		expect: (a) => each(a.body, (o) => {
			if (o.ipAddress === "")
				o.ipAddress = "127.0.0.1";
		}),
	},
	{
		why: "nginx tells the page of a trusted origin which headers it may read",
		steps: /^sign-up from the trusted origin$/,
		expect: (a) => Object.assign(a, { expose: "Allow, ETag, Idempotency-Replayed, Location, " +
			"Retry-After, X-Request-Id, X-Retry-After" }),
	},
	{
		why: "the base path itself is nginx's, whose refusals are JSON",
		steps: /^the base path itself$/,
		expect: (a) => Object.assign(a, { type: "application/json", body: {
			code: "NOT_FOUND", message: "There is nothing here.", requestId: "<request>" } }),
	},
	{
		why: "a path that reads in two ways is refused",
		steps: /^double slash$/,
		expect: refused(400, "INVALID_REQUEST", "The path can be read in more than one way"),
	},
	{
		why: "no text may hold NUL, in any field",
		steps: /address "a\\u0000@b.co"/,
		expect: refused(400, "BAD_REQUEST", "Invalid JSON in request body"),
	},
	{
		why: "a key that is given twice is refused",
		steps: /^sign-up with a key twice$/,
		expect: refused(400, "BAD_REQUEST", "Invalid JSON in request body"),
	},
	{
		why: "an address has 254 bytes at most",
		steps: /^sign-up with an address of 300$/,
		expect: refused(400, "VALIDATION_ERROR", "[body.email] Invalid email address"),
	},
	{
		why: "a body has 64 KiB at most",
		steps: /^sign-up with a body of 100 kB$/,
		expect: refused(413, "PAYLOAD_TOO_LARGE", "The request is too large"),
	},
	{
		why: "JSON in Latin-1 is not JSON",
		steps: /^sign-up in Latin-1$/,
		expect: refused(415, "UNSUPPORTED_MEDIA_TYPE",
			'Content-Type "application/json; charset=iso-8859-1" is not allowed. Allowed types: application/x-www-form-urlencoded, application/json'),
	},
	{
		why: "a callback may hold neither a backslash nor user information",
		steps: /callbackURL a backslash in the host|userinfo before our host/,
		expect: refused(403, "INVALID_CALLBACK_URL", "Invalid callbackURL"),
	},
	{
		why: "a hash that cannot be read is a wrong password",
		steps: /^sign-in with a hash that cannot be read$/,
		expect: refused(401, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password"),
	},
	{
		why: "a session cookie that is not well signed hides no other",
		steps: /^get-session, first of two cookies is bad$/,
		expect: (a) => {
			a.body = {
				session: { createdAt: "<time>", expiresAt: "<in 168 h>", id: "<id>",
					impersonatedBy: null, ipAddress: "127.0.0.1", token: "<token>",
					updatedAt: "<time>", userAgent: "", userId: "<id>" },
				user: { banExpires: null, banReason: null, banned: false,
					createdAt: "<time>", email: "alice@example.com", emailVerified: false,
					hasCoreAccount: false, hasLinksAccount: false, hasWalletAccount: false, id: "<id>",
					image: null, name: "alice", role: "user", updatedAt: "<time>" },
			};
		},
	},
	{
		why: "a banned user's session is over",
		steps: /^get-session of the banned$/,
		expect: (a) => Object.assign(a, { body: null,
			cookies: ["session_token", "session_data", "dont_remember"].map((name) =>
				`better-auth.${name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`) }),
	},
	{
		why: "a banned user may do nothing",
		steps: /^(list-sessions|update-user) of the banned$/,
		expect: refused(403, "BANNED_USER", "You have been banned from this application. " +
			"Please contact support if you believe this is an error."),
	},
	{
		why: "429 says Retry-After as HTTP has it, too",
		limits: true,
		expect: (a) => { a.again = a.retry; },
	},
	...[["a number", "number"], ["null", "null"], ["an object", "object"]].map(([what, type]) => ({
		why: `a name is a text, not ${what}`,
		steps: new RegExp(`^update-user name ${what}$`),
		expect: refused(400, "VALIDATION_ERROR", `[body.name] Invalid input: expected string, received ${type}`),
	})),
];
