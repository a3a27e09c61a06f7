/*
 * node openapi.mjs --base URL service...: checks that the services'
 * specifications are valid OpenAPI 3.1.
 */
import { Validator } from "@seriousme/openapi-schema-validator";
import { parseArgs } from "node:util";

import { request } from "./lib/http.mjs";
import { diag, done, is, ok } from "./lib/tap.mjs";

const { values: args, positionals: services } = parseArgs({
	allowPositionals: true,
	options: { base: { type: "string" } },
});

for (const service of services) {
	const path = `/api/${service}/openapi.json`;
	const answer = await request(args.base, { path });
	is([answer.status, answer.headers["content-type"]], [200, "application/json"], path);
	const result = await new Validator().validate(answer.text);
	if (!ok(result.valid, `${service}: valid`))
		diag(JSON.stringify(result.errors, null, 1));
	const spec = JSON.parse(answer.text);
	ok(spec.openapi.startsWith("3.1."), `${service}: of version 3.1`);

	const ids = new Set();
	for (const [route, item] of Object.entries(spec.paths)) {
		/*
		 * Every parameter in the path is declared, and every declared
		 * path parameter is in the path.
		 */
		const inPath = [...route.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
		for (const [method, op] of Object.entries(item)) {
			if (method === "parameters")
				continue;
			const at = `${method.toUpperCase()} ${route}`;
			const declared = [...(item.parameters ?? []), ...(op.parameters ?? [])]
				.filter((p) => p.in === "path").map((p) => p.name).sort();
			is(declared, inPath, `${at}: path parameters`);
			ok(op.summary || op.description, `${at}: says what it does`);
			ok(Object.keys(op.responses).some((s) => s.startsWith("2") || s.startsWith("3")),
				`${at}: a success`);
			if (op.operationId !== undefined) {
				ok(!ids.has(op.operationId), `${at}: an id of its own`);
				ids.add(op.operationId);
			}
		}
	}
	/* Every "$ref" refers to something that exists. */
	const refs = [...answer.text.matchAll(/"\$ref":\s*"#([^"]+)"/g)].map((m) => m[1]);
	const lost = refs.filter((r) => r.split("/").slice(1).reduce(
		(node, key) => node?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], spec) === undefined);
	is(lost, [], `${service}: every $ref resolves`);
}
done();
