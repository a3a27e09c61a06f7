/*
 * Checks deliveries as a webhook receiver would, with the library of Standard
 * Webhooks.
 *
 * 	webhooks.mjs --deliveries FILE --secret S [--old-secret S]
 *
 * FILE has a line of JSON for each request that was received: headers, and the
 * body with one character for each byte.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Webhook } from "standardwebhooks";
import { done, is, like, ok } from "./lib/tap.mjs";

const { values: options } = parseArgs({
	options: {
		deliveries: { type: "string" },
		secret: { type: "string" },
		"old-secret": { type: "string" },
	},
});

function refused(webhook, body, headers) {
	try {
		webhook.verify(body, headers);
		return false;
	} catch {
		return true;
	}
}

const webhook = new Webhook(options.secret);
const lines = readFileSync(options.deliveries, "utf8").split("\n").filter(Boolean);
ok(lines.length > 0, "something was delivered");
for (const [i, line] of lines.entries()) {
	const { headers, body: bytes } = JSON.parse(line);
	const body = Buffer.from(bytes, "latin1").toString("utf8");
	const name = `delivery ${i + 1}`;

	is(webhook.verify(body, headers), JSON.parse(body), `${name}: its signature is right`);
	ok(refused(webhook, `${body} `, headers), `${name}: of another body it is not`);
	ok(refused(webhook, body, { ...headers, "webhook-id": "evt_x" }), `${name}: nor of another id`);
	ok(
		refused(webhook, body, {
			...headers,
			"webhook-timestamp": String(Number(headers["webhook-timestamp"]) - 1),
		}),
		`${name}: nor of another time`,
	);
	ok(
		refused(new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), body, headers),
		`${name}: nor by another secret`,
	);
	like(headers["webhook-id"], /^evt_[0-9a-f-]{36}$/, `${name}: its id`);
	like(JSON.parse(body).timestamp, /^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/, `${name}: its time`);
	is(Object.keys(JSON.parse(body)), ["type", "timestamp", "data"], `${name}: its members`);
	if (options["old-secret"] !== undefined) {
		const old = new Webhook(options["old-secret"]);

		is(old.verify(body, headers), JSON.parse(body), `${name}: the old secret signs as well`);
	}
}
done();
