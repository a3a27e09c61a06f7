/*
 * Lists the endpoints of BetterAuth 1.7.25 and of its plugins, as the packages
 * themselves declare them.
 *
 *   node endpoints.mjs --c                       the table for auth
 *   node endpoints.mjs --markdown --routes FILE  the table of COMPATIBILITY.md
 *
 * FILE is JSON: { on: ["POST /sign-up/email", ...], off: { "POST /sign-in/username":
 * "username" } }, auth's routes by default and those of plugins that are off.
 *
 * It fails when the package has a plugin that is not in the list below, so that
 * a new version of BetterAuth cannot be overlooked.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { betterAuth } from "better-auth-1.7.25";
import * as all from "better-auth-1.7.25/plugins";

const { values: args } = parseArgs({
	options: { c: { type: "boolean" }, markdown: { type: "boolean" }, routes: { type: "string" } },
});

const nothing = () => {};
const plugins = {
	admin: all.admin(),
	anonymous: all.anonymous(),
	bearer: all.bearer(),
	captcha: all.captcha({ provider: "cloudflare-turnstile", secretKey: "x" }),
	"custom-session": all.customSession(async () => ({})),
	"device-authorization": all.deviceAuthorization(),
	"email-otp": all.emailOTP({ sendVerificationOTP: nothing, changeEmail: { enabled: true } }),
	"generic-oauth": all.genericOAuth({ config: [] }),
	haveibeenpwned: all.haveIBeenPwned(),
	jwt: all.jwt(),
	"last-login-method": all.lastLoginMethod(),
	"magic-link": all.magicLink({ sendMagicLink: nothing }),
	"multi-session": all.multiSession(),
	"oauth-popup": all.oauthPopup(),
	"oauth-proxy": all.oAuthProxy(),
	"one-tap": all.oneTap(),
	"one-time-token": all.oneTimeToken(),
	"open-api": all.openAPI(),
	organization: all.organization({ teams: { enabled: true }, dynamicAccessControl: { enabled: true },
		ac: {}, sendInvitationEmail: nothing }),
	"phone-number": all.phoneNumber({ sendOTP: nothing }),
	siwe: all.siwe({ domain: "x", getNonce: nothing, verifyMessage: nothing }),
	"two-factor": all.twoFactor(),
	username: all.username(),
};
/* Folders of the package that are no plugin of a server. */
const others = ["access", "additional-fields", "test-utils"];

/*
 * The endpoints of plugins with a package of their own, which asks for other
 * versions of BetterAuth's libraries than 1.7.25 and so cannot be installed
 * beside it: as passkey 1.7.6, api-key 1.7.5, oauth-provider 1.7.5, sso 1.7.5 and
 * stripe 1.7.6 of the scope @better-auth declare them.
 */
const apart = {
	passkey: [
		"GET /passkey/generate-register-options",
		"GET /passkey/generate-authenticate-options",
		"POST /passkey/verify-registration", "POST /passkey/verify-authentication",
		"GET /passkey/list-user-passkeys", "POST /passkey/delete-passkey",
		"POST /passkey/update-passkey",
	],
	"api-key": [
		"POST /api-key/create", "GET /api-key/get", "POST /api-key/update",
		"POST /api-key/delete", "GET /api-key/list",
	],
	"oauth-provider": [
		"GET /oauth2/authorize", "POST /oauth2/authorize", "POST /oauth2/consent",
		"POST /oauth2/continue", "POST /oauth2/token", "POST /oauth2/introspect",
		"POST /oauth2/revoke", "GET /oauth2/userinfo", "POST /oauth2/userinfo",
		"GET /oauth2/end-session", "POST /oauth2/end-session",
		"POST /oauth2/end-session/confirm", "POST /oauth2/register",
		"POST /oauth2/create-client", "GET /oauth2/get-client",
		"GET /oauth2/public-client", "POST /oauth2/public-client-prelogin",
		"GET /oauth2/get-clients", "POST /oauth2/update-client",
		"POST /oauth2/client/rotate-secret", "POST /oauth2/delete-client",
		"GET /oauth2/get-consent", "GET /oauth2/get-consents",
		"POST /oauth2/update-consent", "POST /oauth2/delete-consent",
	],
	sso: [
		"GET /sso/saml2/sp/metadata", "POST /sso/register", "POST /sign-in/sso",
		"GET /sso/callback/:providerId", "GET /sso/callback",
		"GET /sso/saml2/sp/acs/:providerId", "POST /sso/saml2/sp/acs/:providerId",
		"GET /sso/saml2/sp/slo/:providerId", "POST /sso/saml2/sp/slo/:providerId",
		"POST /sso/saml2/logout/:providerId", "GET /sso/providers",
		"GET /sso/get-provider", "POST /sso/update-provider",
		"POST /sso/delete-provider",
	],
	stripe: [
		"POST /stripe/webhook", "POST /subscription/upgrade",
		"POST /subscription/cancel", "POST /subscription/restore",
		"GET /subscription/list", "GET /subscription/success",
		"POST /subscription/billing-portal",
	],
};

/* What they do is no part of identity, or belongs to an identity provider. */
const never = ["sso", "stripe"];

const manifest = JSON.parse(readFileSync(createRequire(import.meta.url)
	.resolve("better-auth-1.7.25").replace(/\/dist\/.*/, "/package.json"), "utf8"));
const folders = Object.keys(manifest.exports).map((name) => /^\.\/plugins\/([a-z-]+)$/.exec(name)?.[1])
	.filter((name) => name !== undefined);
for (const name of folders) {
	if (!(name in plugins) && !others.includes(name))
		throw new Error(`the package has a plugin that is not listed here: ${name}`);
}

const rows = [];
const add = (plugin, endpoints) => {
	for (const endpoint of Object.values(endpoints ?? {})) {
		const { method, metadata } = endpoint.options ?? {};

		if (endpoint.path === undefined || metadata?.SERVER_ONLY)
			continue;
		for (const m of [method].flat()) {
			if (!rows.some((r) => r.method === m && r.path === endpoint.path))
				rows.push({ method: m, path: endpoint.path, plugin });
		}
	}
};
const level = { level: "error" };
add("", betterAuth({ baseURL: "http://x", logger: level,
	secret: "Zk4vN1p8Qw7tRb3yUx6sLd0aHf9jMc2e" }).api);
for (const [name, plugin] of Object.entries(plugins))
	add(name, plugin.endpoints);

for (const [name, endpoints] of Object.entries(apart)) {
	for (const endpoint of endpoints) {
		const [m, path] = endpoint.split(" ");

		rows.push({ method: m, path, plugin: name });
	}
}

/* As the official client builds its paths from the names of methods. */
const method = (path) => path.slice(1).split("/").filter((s) => !s.startsWith(":"))
	.map((s) => s.replace(/-(.)/g, (_, c) => c.toUpperCase())).join(".");

if (args.c) {
	console.log(`/*
 * Written by "node t/compat/endpoints.mjs --c" from the npm package better-auth
 * 1.7.25; t/16-endpoint-table.t compares the two.
 */
#include "auth/http/endpoint.h"

#include <stddef.h>

/* clang-format off */
const struct endpoint endpoints[] = {`);
	for (const r of rows)
		console.log(`\t{ "${r.method}", "${r.path}", "${r.plugin}" },`);
	console.log(`\t{ NULL },
};
/* clang-format on */`);
}

if (args.markdown) {
	const routes = JSON.parse(readFileSync(args.routes, "utf8"));
	const same = (ours, theirs) => ours.replace(/\{\w+\}/g, "?") === theirs.replace(/:\w+/g, "?");
	const find = (list, r) => list.find((name) => same(name, `${r.method} ${r.path}`));

	console.log("| endpoint | client | plugin | |\n|---|---|---|---|");
	for (const r of rows) {
		const off = find(Object.keys(routes.off), r);
		const state = find(routes.on, r) ? "works" :
			off ? `off; \`${routes.off[off]}\` in \`AUTH_PLUGINS\`` :
			never.includes(r.plugin) ? "not planned" : "not yet";

		console.log(`| \`${r.method} ${r.path}\` | \`${method(r.path)}\` | ${r.plugin || "–"} | ${state} |`);
	}
}
