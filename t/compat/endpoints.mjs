/*
 * Lists the endpoints of BetterAuth 1.7.25 and of all plugins in its package,
 * as the package itself declares them.
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
			off ? `off; \`${routes.off[off]}\` in \`AUTH_PLUGINS\`` : "not yet";

		console.log(`| \`${r.method} ${r.path}\` | \`${method(r.path)}\` | ${r.plugin || "–"} | ${state} |`);
	}
}
