/*
 * A person's first minutes on a page that "kedge new" has made, in a real browser.
 *
 *   node front.mjs --page URL [--quick | --refused] [--chromium PATH] [--screenshots PREFIX]
 *
 * With --quick only what a person does, without refusals and looks; with --refused, the
 * page has an origin that Kedge does not trust.
 * Elements are found by what a person sees or hears.  An error on the console fails the
 * test.
 */
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

import { diag, done, is, like, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		page: { type: "string" },
		quick: { type: "boolean", default: false },
		refused: { type: "boolean", default: false },
		chromium: { type: "string", default: "/usr/bin/chromium" },
		screenshots: { type: "string" },
	},
});
const browser = await chromium.launch({
	executablePath: args.chromium,
	args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 } });
context.setDefaultTimeout(20_000);
const page = await context.newPage();
const complaints = [];

page.on("console", (m) => {
	if (m.type() === "error")
		complaints.push(`${m.text()} ${m.location().url}`);
});
page.on("pageerror", (e) => complaints.push(String(e)));

const shown = (locator) => locator.waitFor({ state: "visible" }).then(() => true, () => false);
const button = (name) => page.getByRole("button", { name, exact: true });
/* Nothing sticks out, on a phone and on a desk, in the light and in the dark. */
const look = async (name) => {
	if (args.quick)
		return;
	for (const [width, colorScheme] of [[360, "dark"], [1280, "light"]]) {
		await page.setViewportSize({ width, height: 800 });
		await page.emulateMedia({ colorScheme });
		is(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true,
			`${name}: fits into ${width} pixels`);
		if (args.screenshots)
			await page.screenshot({ path: `${args.screenshots}-${name}-${width}.png`, fullPage: true });
	}
};
const email = `front-${Date.now()}@example.com`;
const password = "correct horse battery";

const firstMinutes = async () => {
	const home = await page.goto(args.page);
	is(home.status(), 200, "the page is there");
	ok(await shown(page.getByRole("heading", { name: "Sign in" })), "it asks to sign in");
	ok(await page.title(), "it has a title");
	ok(await page.evaluate(() => document.documentElement.lang), "and a language");
	await look("signed-out");
	await button("Create an account").click();
	await page.getByLabel("Name").fill("Frida Front");
	await page.getByLabel("Email").locator("visible=true").fill(email);
	await page.getByLabel("Password").locator("visible=true").fill(password);
	await page.keyboard.press("Enter");
	ok(await shown(page.getByRole("heading", { name: "Tasks" })), "a person signs up");
	ok(await shown(page.getByText(email)), "the page says who is signed in");
	const wallet = page.getByRole("region", { name: "Wallet" });
	ok(await shown(wallet.getByText("USD")), "the wallet has an account");
	ok(await shown(wallet.getByText("0.00")), "and a balance, with the decimals of the currency");

	ok(await shown(page.getByText("Nothing to do yet.")), "there is no task");
	const hostile = "<img src=x onerror=alert(1)> buy milk";
	for (const title of [hostile, "write home"]) {
		await page.getByLabel("New task").fill(title);
		await button("Add").click();
		ok(await shown(page.getByText(title)), "a task is created, and shown as text");
	}
	is(await page.getByLabel("New task").inputValue(), "", "the form is empty again");
	ok(await page.getByText("Nothing to do yet.").isHidden(), "there are tasks");
	await page.getByRole("checkbox", { name: "write home" }).click();
	await page.getByRole("listitem").filter({ hasText: "write home" }).and(page.locator(".done")).waitFor();
	await look("signed-in");
	await page.reload();
	await shown(page.getByText("write home"));
	ok(await page.getByRole("checkbox", { name: "write home" }).isChecked(), "a task stays done");
	ok(!await page.getByRole("checkbox", { name: "buy milk" }).isChecked(), "and another open");
	is(complaints, [], "nothing on the console");

	await button("Sign out").click();
	ok(await shown(page.getByRole("heading", { name: "Sign in" })), "the person signs out");
	is(await page.getByText("write home").count(), 0, "nothing of them is left");
	is((await context.cookies()).filter((c) => c.name.endsWith("session_token")).length, 0, "no session is left");
};

/* What is refused is shown, with message and code. */
const refusals = async () => {
	const alert = page.locator("main").getByRole("alert");
	const refuse = (method, url) => page.route(url, (route) => route.request().method() === method
		? route.fulfill({ status: 422, json: { code: "NO_MORE", message: "That is enough.", requestId: "1" } })
		: route.fallback());

	await page.getByLabel("Email").locator("visible=true").fill(email);
	await page.getByLabel("Password").locator("visible=true").fill("not my password");
	await button("Sign in").click();
	ok(await shown(alert.getByText("Invalid email or password (INVALID_EMAIL_OR_PASSWORD)")),
		"a wrong password is refused");
	await look("refused");
	await page.getByLabel("Password").locator("visible=true").fill(password);
	await button("Sign in").click();
	ok(await shown(page.getByText("write home")), "the right one signs in");
	ok(await alert.isHidden(), "the error is gone");

	await refuse("POST", "**/api/core/tasks");
	await page.getByLabel("New task").fill("one more");
	await button("Add").click();
	ok(await shown(alert.getByText("That is enough. (NO_MORE)")), "a task is refused");
	is(await page.getByLabel("New task").inputValue(), "one more", "and what was typed is kept");
	await refuse("PATCH", "**/api/core/tasks/*");
	await Promise.all([page.waitForResponse("**/api/core/tasks/*"),
		page.getByRole("checkbox", { name: "buy milk" }).click()]);
	ok(await shown(alert.getByText("That is enough. (NO_MORE)")), "a change is refused");
	ok(await shown(page.getByRole("checkbox", { name: "buy milk", checked: false })), "and taken back");
	await page.unroute("**/api/core/tasks");

	/* A session that was ended elsewhere leads back to the form. */
	await context.clearCookies();
	await button("Add").click();
	ok(await shown(page.getByRole("heading", { name: "Sign in" })), "a session that has ended asks to sign in");
	is(await page.getByText("write home").count(), 0, "and nothing is left");
};

const refusedOrigin = async () => {
	await page.goto(args.page);
	ok(await shown(page.getByRole("alert").getByText(`is ${new URL(args.page).origin} in its AUTH_TRUSTED_ORIGINS?`)),
		"the page says which origin may be missing, and where");
};

try {
	if (args.refused)
		await refusedOrigin();
	else
		await firstMinutes();
	if (!args.refused && !args.quick)
		await refusals();
} catch (e) {
	ok(false, "the whole way");
	diag(e.stack);
	diag(complaints.join("\n"));
	if (args.screenshots)
		await page.screenshot({ path: `${args.screenshots}-failure.png`, fullPage: true });
} finally {
	await browser.close();
}
done();
