/*
 * Prints the official client as one file that needs no npm:
 *
 *   node t/compat/vendor.mjs >templates/app/static/better-auth-client.js
 *
 * It begins with the licences of the packages that are in it.
 */
import { existsSync, readFileSync } from "node:fs";
import { build } from "esbuild";

const version = "1.7.25";
const root = import.meta.dirname;
const { metafile, outputFiles: [bundle] } = await build({
	stdin: { contents: `export { createAuthClient } from "better-auth-${version}/client";`, resolveDir: root },
	absWorkingDir: root, bundle: true, format: "esm", target: "es2022", metafile: true, write: false,
});

/* The package of a file, by the last node_modules/ in its path. */
const packageOf = (path) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1];
const packages = [...new Set(Object.keys(metafile.inputs).map(packageOf).filter(Boolean))].sort();
const texts = new Map();

for (const path of packages) {
	const { name, version, license } = JSON.parse(readFileSync(`${root}/${path}/package.json`));
	const file = ["LICENSE", "LICENSE.md", "LICENCE"].map((f) => `${root}/${path}/${f}`).find(existsSync);
	const text = file ? readFileSync(file, "utf8").trim() : `Licence: ${license}`;

	texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`]);
}
console.log("// @ts-nocheck\n/*\n * better-auth/client as one file, which has of other packages:\n *");
for (const [text, names] of texts)
	console.log(`${names.join(", ")}:\n\n${text}\n`.split("\n").map((line) => ` * ${line}`.trimEnd()).join("\n"));
console.log(" */");
process.stdout.write(bundle.text);
