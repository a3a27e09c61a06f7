/*
 * The messages that a server has sent, by recipient and in order: those of auth are .eml
 * files in a directory, those of oracle.mjs rows of its table sent_mail.
 */
import { readdirSync, readFileSync } from "node:fs";

function files(directory) {
	return readdirSync(directory).filter((name) => /^[^.].*\.eml$/.test(name)).sort()
		.map((name) => readFileSync(`${directory}/${name}`, "latin1"));
}

export function ofDirectory(directory) {
	return async (to) => files(directory)
		.filter((text) => text.includes(`To: <${to}>`))
		.map((text) => /^(http\S+)\r$/m.exec(text)?.[1]).filter(Boolean);
}

export function ofTable(db) {
	return async (to) => (await db.query(
		"SELECT url FROM sent_mail WHERE recipient = $1 ORDER BY id", [to])).rows.map((r) => r.url);
}

/* Waits until more than `seen` messages have gone there; returns the newest link. */
export async function newest(mails, to, seen) {
	for (let i = 0; i < 1000; i++) {
		const all = await mails(to);
		if (all.length > seen)
			return all;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error(`no mail to ${to}`);
}
