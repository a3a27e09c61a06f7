/*
 * Where auth answers otherwise than BetterAuth 1.7.7 on purpose.  Each row is
 * explained in docs/COMPATIBILITY.md.
 *   why     in short
 *   steps   the names of the steps it is about; all when left out
 *   expect  changes BetterAuth's answer into what ours must be
 */

/* Calls visit on every object inside of a body. */
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
				Object.assign(o, { hasCoreAccount: false, hasWalletAccount: false });
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
		why: "the base path itself is nginx's, whose refusals are JSON",
		steps: /^the base path itself$/,
		expect: (a) => Object.assign(a, { type: "application/json", body: {
			code: "NOT_FOUND", message: "There is nothing here.", requestId: "<request>" } }),
	},
	{
		why: "nginx makes one slash of many before anything is decided",
		steps: /^double slash$/,
		expect: (a) => Object.assign(a, { status: 200, type: "application/json", body: { ok: true } }),
	},
	{
		why: "no text may hold NUL, in any field",
		steps: /address "a\\u0000@b.co"/,
		expect: refused(400, "BAD_REQUEST", "Invalid JSON in request body"),
	},
	{
		why: "a callback may hold neither a backslash nor user information",
		steps: /callbackURL a backslash in the host|userinfo before our host/,
		expect: refused(403, "INVALID_CALLBACK_URL", "Invalid callbackURL"),
	},
	...[["a number", "number"], ["null", "null"], ["an object", "object"]].map(([what, type]) => ({
		why: `a name is a text, not ${what}`,
		steps: new RegExp(`^update-user name ${what}$`),
		expect: refused(400, "VALIDATION_ERROR", `[body.name] Invalid input: expected string, received ${type}`),
	})),
];
