/*
 * Runs the official BetterAuth client with one of its plugins against a server.
 *
 *   node plugin.mjs --script PLUGIN --base URL --version 1.7.25|1.7.7|1.4.18 [--oracle]
 *
 * script/PLUGIN.mjs exports client(tools), which this program calls.  --oracle:
 * the server is BetterAuth itself.
 */
import { parseArgs } from "node:util";

import { pageFetch } from "./lib/http.mjs";
import * as tap from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		base: { type: "string" },
		script: { type: "string" },
		version: { type: "string", default: "1.7.25" },
		oracle: { type: "boolean", default: false },
		mail: { type: "string" },
	},
});

const { createAuthClient } = await import(`better-auth-${args.version}/client`);
const plugins = await import(`better-auth-${args.version}/client/plugins`);
const script = await import(`./script/${args.script}.mjs`);

/*
 * Returns an official client that acts like a browser of its own: it has a cookie jar, and
 * sends `origin` as the Origin of its page.
 */
function browser(clientPlugins = [], { origin = args.base, fetchOptions = {} } = {}) {
	const page = pageFetch(origin);
	const client = createAuthClient({
		baseURL: args.base,
		plugins: clientPlugins,
		fetchOptions: { customFetchImpl: page.fetch, ...fetchOptions },
	});
	return { client, jar: page.jar };
}

await script.client({ ...args, ...tap, browser, plugins });
tap.done();
