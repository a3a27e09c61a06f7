/*
 * node schema.mjs SCHEMA VALUES: validates each value of a list with the JSON
 * Schema; prints a list with the errors of each value, "" when there are none.
 */
import Ajv from "ajv";
import { readFileSync } from "node:fs";

const [schema, values] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
const validate = ajv.compile(schema);
console.log(JSON.stringify(values.map((value) =>
	validate(value) ? "" : ajv.errorsText(validate.errors))));
