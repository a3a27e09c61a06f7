/*
 * The option additionalFields of user and session compared with BetterAuth's: steps as in
 * lib/script.mjs, and the intended differences. t/auth/additional-fields.t has the fields.
 */
const PASSWORD = "correct horse battery";
const steps = [];
const step = (name, s) => steps.push({ name, ...s });
const person = (name, more = {}) =>
	({ name, email: `${name}@example.com`, password: PASSWORD, ...more });
const signUp = (name, who, more, jar) => step(name, { post: "/sign-up/email", json: person(who, more), jar });
const update = (name, json, jar = "ann") => step(name, { post: "/update-user", json, jar });

/* Sign-up. */
signUp("sign-up without a required field", "nobody", {});
signUp("sign-up without a required field, with a short password", "nobody", { password: "short" });
signUp("sign-up with the required field only", "min", { nickname: "M" }, "min");
step("get-session of one with the defaults", { get: "/get-session", jar: "min" });
const ALL = { nickname: "Annie", points: 7, wantsMail: false, birthday: "2001-02-03T04:05:06.789Z",
	tags: ["b", "a", "\u00FC\"\\"], note: "hidden", team: "blue" };
signUp("sign-up with all fields", "ann", ALL, "ann");
step("get-session of one with all fields", { get: "/get-session", jar: "ann" });
step("sign-in", { post: "/sign-in/email", json: { email: "ann@example.com", password: PASSWORD }, jar: "ann2" });
step("list-sessions", { get: "/list-sessions", jar: "ann2" });
signUp("sign-up with a field that clients may not set, with a default", "plan",
	{ nickname: "P", plan: "gold" }, "plan");
step("get-session of one who wanted a plan", { get: "/get-session", jar: "plan" });
signUp("sign-up with a field that clients may not set", "credit", { nickname: "C", credit: 5 });
signUp("sign-up with zero for it", "zero", { nickname: "Z", credit: 0 }, "zero");
signUp("sign-up with a forbidden and without a required field", "both", { credit: 5 });
signUp("sign-up with null for all", "nul", { nickname: "N", points: null, wantsMail: null, birthday: null,
	tags: null, note: null, team: null }, "nul");
step("get-session of nulls", { get: "/get-session", jar: "nul" });
signUp("sign-up with null for the required field", "nil", { nickname: null });
signUp("sign-up with empty values", "empty", { nickname: "", points: 0, tags: [], note: "", team: "" }, "empty");
step("get-session of empty values", { get: "/get-session", jar: "empty" });
signUp("sign-up with the column's name instead of the field's", "column", { nickname: "C", team_name: "red" }, "col");
step("get-session after the column's name", { get: "/get-session", jar: "col" });
signUp("sign-up of an address that is taken, with fields", "ann", { nickname: "A" });
step("sign-up as a form", { post: "/sign-up/email", form: person("form", { nickname: "F", team: "form" }), jar: "form" });

/* The user updates the fields. */
for (const [name, value] of [["nickname", "Nan"], ["points", 12], ["points", -1], ["wantsMail", true],
	["birthday", "1999-12-31T23:59:59.000Z"], ["tags", ["c"]], ["note", "other"], ["team", "green"]]) {
	update(`update-user ${name} to ${JSON.stringify(value)}`, { [name]: value });
	step(`get-session after ${name} is ${JSON.stringify(value)}`, { get: "/get-session", jar: "ann" });
}
for (const name of ["points", "wantsMail", "birthday", "tags", "note", "team"])
	update(`update-user ${name} to null`, { [name]: null });
step("get-session after nulls", { get: "/get-session", jar: "ann" });
update("update-user of several", { name: "Ann", points: 3, tags: ["x", "y"] });
update("update-user of a forbidden field", { plan: "gold" });
update("update-user of a forbidden field without a default", { credit: 9 });
update("update-user of a forbidden field to nothing", { plan: "" });
update("update-user of a forbidden field beside another", { plan: "gold", points: 4 });
update("update-user of the column's name", { team_name: "red" });
step("get-session after it all", { get: "/get-session", jar: "ann" });
step("update-user without a session", { post: "/update-user", json: { points: 1 } });
step("change-password", { post: "/change-password", jar: "ann",
	json: { currentPassword: PASSWORD, newPassword: "another horse battery", revokeOtherSessions: true } });

/* The session's fields. */
step("update-session", { post: "/update-session", json: { theme: "dark", visits: 2 }, jar: "ann2" });
step("get-session after update-session", { get: "/get-session", jar: "ann2" });
step("update-session of a hidden field", { post: "/update-session", json: { secret: "x" }, jar: "ann2" });
step("update-session to null", { post: "/update-session", json: { theme: null }, jar: "ann2" });
step("update-session of nothing", { post: "/update-session", json: {}, jar: "ann2" });
step("update-session of core fields", { post: "/update-session", jar: "ann2",
	json: { token: "x", userId: "y", expiresAt: "2099-01-01T00:00:00.000Z" } });
step("update-session of a forbidden field", { post: "/update-session", json: { impersonatedBy: "x" }, jar: "ann2" });
step("update-session of an unknown field", { post: "/update-session", json: { nosuch: 1 }, jar: "ann2" });
step("update-session without a body", { post: "/update-session", jar: "ann2" });
step("update-session with a list", { post: "/update-session", json: [], jar: "ann2" });
step("update-session without a session", { post: "/update-session", json: { theme: "dark" } });
step("list-sessions after update-session", { get: "/list-sessions", jar: "ann2" });

/* Requests that auth answers differently. */
const WRONG = [["nickname", 7, "string", "number"], ["points", "seven", "number", "string"],
	["points", "7", "number", "string"], ["wantsMail", "true", "boolean", "string"],
	["birthday", 7, "string", "number"], ["tags", "a", "array", "string"], ["tags", [1], "array", "array"]];
for (const [name, value] of WRONG) {
	signUp(`sign-up with the wrong type: ${name} ${JSON.stringify(value)}`, "typed", { nickname: "T", [name]: value });
	update(`update-user with the wrong type: ${name} ${JSON.stringify(value)}`, { [name]: value }, "min");
}
update("update-user of the required field to null", { nickname: null }, "min");

export { steps };

const invalid = (message) => (a) => Object.assign(a, { status: 400, type: "application/json",
	body: { code: "VALIDATION_ERROR", message }, cookies: [], location: null });
export const differences = [
	...WRONG.map(([name, value, expected, received]) => ({
		why: `${name} is of its type, not ${JSON.stringify(value)}`,
		steps: new RegExp(`with the wrong type: ${name} ${JSON.stringify(value).replace(/[[\]"]/g, "\\$&")}$`),
		expect: invalid(`[body.${name}] Invalid input: expected ${expected}, received ${received}`),
	})),
	{
		why: "a required field does not become null",
		steps: /^update-user of the required field to null$/,
		expect: invalid("[body.nickname] must not be null"),
	},
];
