/*
 * What docs/TUTORIAL.md tells its reader to do in a browser, one part for each run.
 *
 *   node tutorial.mjs --page URL --part PART --dir DIR [--chromium PATH]
 *
 * DIR keeps the sessions of the two people between the runs.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

import { diag, done, is, like, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		page: { type: "string" },
		part: { type: "string" },
		dir: { type: "string" },
		chromium: { type: "string", default: "/usr/bin/chromium" },
	},
});
const browser = await chromium.launch({
	executablePath: args.chromium,
	args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
const shown = (locator) => locator.waitFor({ state: "visible" }).then(() => true, () => false);
const open = async (who) => {
	const storageState = `${args.dir}/${who}.json`;
	const context = await browser.newContext({ locale: "en-US", ...(existsSync(storageState) && { storageState }) });

	context.setDefaultTimeout(20_000);
	const page = await context.newPage();
	await page.goto(args.page);
	return page;
};
const account = async (page) => (await page.getByRole("region", { name: "Wallet" }).getByText("USD").textContent())
	.match(/[0-9a-f-]{36}/)[0];
const send = async (from, to) => {
	await from.getByLabel("To account").fill(await account(to));
	await from.getByLabel("Amount").fill("12.50");
	await from.getByRole("button", { name: "Send" }).click();
};

const parts = {
	people: async () => {
		for (const who of ["Ada", "Grace"]) {
			const page = await open(who);

			await page.getByRole("button", { name: "Create an account" }).click();
			await page.getByLabel("Name").fill(who);
			await page.getByLabel("Email").locator("visible=true").fill(`${who.toLowerCase()}@example.com`);
			await page.getByLabel("Password").locator("visible=true").fill("correct horse battery");
			await page.getByRole("button", { name: "Sign up" }).click();
			ok(await shown(page.getByRole("heading", { name: `Hello, ${who}` })), `${who} signs up`);
			await page.context().storageState({ path: `${args.dir}/${who}.json` });
		}
	},
	due: async () => {
		const page = await open("Ada");

		await page.getByLabel("New task").fill("pay the rent");
		await page.getByLabel("Due").fill("2030-05-31");
		await page.getByRole("button", { name: "Add" }).click();
		ok(await shown(page.getByRole("listitem").filter({ hasText: "pay the rent" }).getByText("5/31/2030")),
			"a task has its date");
		await page.getByLabel("New task").fill("rest");
		await page.getByRole("button", { name: "Add" }).click();
		ok(await shown(page.getByText("rest", { exact: true })), "a task needs none");
		const other = await open("Grace");
		ok(await shown(other.getByText("Nothing to do yet.")), "they are not the other person's");
	},
	poor: async () => {
		const ada = await open("Ada");

		await send(ada, await open("Grace"));
		ok(await shown(ada.getByRole("alert").getByText("INSUFFICIENT_FUNDS")), "who has nothing sends nothing");
	},
	rich: async () => {
		const [ada, grace] = [await open("Ada"), await open("Grace")];

		ok(await shown(ada.getByText("50.00")), "the deposit is there");
		await send(ada, grace);
		ok(await shown(ada.getByText("37.50")), "money leaves");
		await grace.reload();
		ok(await shown(grace.getByText("12.50")), "and arrives");
	},
	same: async () => {
		const page = await open("Ada");

		ok(await shown(page.getByText("pay the rent")), "another page has the same tasks");
		ok(await shown(page.getByText("37.50")), "and the same money");
		like(await page.getByText(/@example.com/).textContent(), /^ada@/, "of the same person");
		await page.getByLabel("New task").fill(args.page);
		await page.getByRole("button", { name: "Add" }).click();
		ok(await shown(page.getByText(args.page)), "and it may write");
	},
};

try {
	await parts[args.part]();
} catch (e) {
	ok(false, args.part);
	diag(e.stack);
} finally {
	await browser.close();
}
done();
