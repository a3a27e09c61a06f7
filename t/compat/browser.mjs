/*
 * Drives a real browser as a user would.
 *
 *   node browser.mjs --base URL [--chromium PATH] [--screenshots DIR]
 *
 * Elements are found by what a user sees: labels, buttons, headings.  An error
 * on the browser's console fails the test; the browser reports violations of
 * the strict Content-Security-Policy there.
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

import { diag, done, is, like, ok } from "./lib/tap.mjs";

const { values: args } = parseArgs({
	options: {
		base: { type: "string" },
		chromium: { type: "string", default: "/usr/bin/chromium" },
		screenshots: { type: "string" },
	},
});
if (args.screenshots)
	mkdirSync(args.screenshots, { recursive: true });

const browser = await chromium.launch({
	executablePath: args.chromium,
	args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
const context = await browser.newContext({ locale: "en-US", viewport: { width: 1100, height: 760 } });
context.setDefaultTimeout(10_000);
const page = await context.newPage();
const complaints = [];
const listen = (m) => {
	/*
	 * A page of plain JSON names no icon, so the browser requests the
	 * default one.
	 */
	if ((m.type() === "error" || m.type() === "warning") &&
	    !m.location().url.endsWith("/favicon.ico"))
		complaints.push(m.text());
};
page.on("console", listen);
page.on("pageerror", (e) => complaints.push(String(e)));

const email = `browser-${Date.now()}@example.com`;
const password = "correct horse battery";
const shown = (locator) => locator.waitFor({ state: "visible" }).then(() => true, () => false);
const shot = async (name) => {
	if (args.screenshots)
		await page.screenshot({ path: `${args.screenshots}/${name}.png`, fullPage: true });
};
const signIn = page.locator("#sign-in");
const button = (name) => page.getByRole("button", { name, exact: true });

try {
	const home = await page.goto(args.base + "/");
	is(home.status(), 200, "the page is there");
	const policy = home.headers()["content-security-policy"] ?? "";
	like(policy, /default-src 'none'|default-src 'self'/, "with a Content-Security-Policy");
	ok(!/unsafe-inline|unsafe-eval|\*/.test(policy), "a strict one");
	like(policy, /frame-ancestors 'none'/, "nobody may frame it");

	/* Sign up. */
	ok(await shown(page.getByRole("heading", { name: "Sign in" })), "it asks to sign in");
	await shot("1-sign-in");
	await button("Create an account").click();
	await page.getByLabel("Name").fill("Bea Browser");
	await page.locator("#sign-up").getByLabel("Email").fill(email);
	await page.locator("#sign-up").getByLabel("Password").fill(password);
	await shot("2-sign-up");
	await button("Sign up").click();
	ok(await shown(page.getByRole("heading", { name: "Tasks" })), "sign-up leads inside");

	/* The page shows the user and the account. */
	const me = page.getByRole("region", { name: "You" });
	ok(await shown(me.getByText(email)), "it says who I am");
	ok(await shown(me.getByText("Bea Browser")), "and my name");
	const wallet = page.getByRole("region", { name: "Wallet" });
	ok(await shown(wallet.getByText("USD")), "my wallet's currency");
	ok(await shown(wallet.getByText(/0\.00/)), "and what is in it");

	/*
	 * Amounts have the number of decimals that wallet says, whatever the
	 * browser assumes for the currency.
	 */
	const money = { JPY: [1050, 0], KWD: [1050, 2], GOLD: [-1234567, 4], POINTS: [7, 0], PICO: [1, 12],
		USD: [9007199254740991, 2] };
	const amounts = async (of) => {
		await of.route("**/api/wallet/accounts", (route) => route.fulfill({ json: { nextCursor: null,
			items: Object.entries(money).map(([currency, [available]]) => ({ currency, available })) } }));
		await of.route("**/api/wallet/currencies", (route) => route.fulfill({ json: { nextCursor: null,
			items: Object.entries(money).map(([code, [, exponent]]) => ({ code, exponent, iso: false })) } }));
		await of.goto(args.base + "/");
		await of.getByText("PICO").waitFor();
		return await of.getByRole("region", { name: "Wallet" }).locator("li")
			.evaluateAll((rows) => rows.map((row) => row.innerText.replace(/\s+/g, " ")));
	};
	is(await amounts(page),
		["JPY 1050", "KWD 10.50", "GOLD -123.4567", "POINTS 7", "PICO 0.000000000001",
			"USD 90,071,992,547,409.91"], "amounts have the wallet's decimals");
	const bengali = await browser.newContext({ locale: "bn-BD", storageState: await context.storageState() });
	is((await amounts(await bengali.newPage())).slice(0, 3), ["JPY ১০৫০", "KWD ১০.৫০", "GOLD -১২৩.৪৫৬৭"],
		"in the digits of the person's language, all of them");
	await bengali.close();
	await page.unroute("**/api/wallet/accounts");
	await page.unroute("**/api/wallet/currencies");

	/*
	 * Tasks are added, shown as text, completed, kept after a reload, and
	 * deleted.
	 */
	const hostile = "<img src=x onerror=alert(1)> buy milk";
	await page.getByLabel("New task").fill(hostile);
	await button("Add task").click();
	ok(await shown(page.getByText(hostile)), "a task is added, as text");
	await page.getByLabel("New task").fill("write home");
	await button("Add task").click();
	ok(await shown(page.getByText("write home")), "and another");
	await page.getByRole("checkbox", { name: "write home" }).check();
	await page.waitForFunction(() => document.querySelector("#tasks li.done") !== null);
	await shot("3-signed-in");
	await page.reload();
	ok(await shown(page.getByText("write home")), "tasks stay over a reload");
	ok(await page.getByRole("checkbox", { name: "write home" }).isChecked(), "done stays done");
	await page.getByRole("button", { name: `Delete ${hostile}` }).click();
	await page.getByText(hostile).waitFor({ state: "detached" });
	is(await page.locator("#tasks li").count(), 1, "a deleted task is gone");

	/* Short links are made, counted, shown as a QR code, and deleted. */
	const shortLinks = page.getByRole("region", { name: "Short links" });
	ok(await shown(shortLinks.getByText("No links yet.")), "there are no links");
	await shortLinks.getByLabel("Target").fill(args.base + "/favicon.svg");
	await shortLinks.getByLabel("Slug (optional)").fill("Browser-Test");
	await button("Shorten").click();
	const short = shortLinks.getByRole("link", { name: "/l/browser-test" });
	ok(await shown(short), "a link is made");
	const opened = await context.newPage();
	await opened.goto(await short.getAttribute("href"));
	is(opened.url(), args.base + "/favicon.svg", "which leads to its target");
	await opened.close();
	await button("QR browser-test").click();
	const code = shortLinks.getByRole("img");
	ok(await shown(code), "it has a QR code");
	await page.waitForFunction(() => document.querySelector("#links img").naturalWidth > 100);
	await button("QR browser-test").click();
	is(await code.count(), 0, "which is hidden again");
	/* A click is in the statistics within a second or two. */
	const clicks = () => page.evaluate(async () =>
		(await (await fetch("/api/links/links")).json()).items[0].clicks);
	for (let end = Date.now() + 10_000; await clicks() < 1 && Date.now() < end;)
		await page.waitForTimeout(50);
	is(await clicks(), 1, "one click is counted");
	await button("Clicks browser-test").click();
	const counted = await shown(shortLinks.getByText("1, of these 0 by bots"));
	ok(counted, "and shown");
	if (!counted)
		diag(await shortLinks.innerText());
	await shortLinks.getByLabel("Target").fill("https://example.com/");
	await shortLinks.getByLabel("Slug (optional)").fill("browser-test");
	await button("Shorten").click();
	ok(await shown(page.getByText(/SLUG_TAKEN/)), "the same slug is refused");
	await shortLinks.getByLabel("Target").fill("javascript:alert(1)//");
	await button("Shorten").click();
	ok(await shown(page.getByText(/must begin with http/)), "and a target that is none");
	await shot("3-links");

	/* With a password: a browser follows the form. */
	await page.evaluate(async (target) => {
		await fetch("/api/links/links", { method: "POST", headers: { "content-type": "application/json" },
			body: JSON.stringify({ target, slug: "browser-secret", password: "open sesame" }) });
	}, args.base.replace("127.0.0.1", "localhost") + "/favicon.svg");
	const guarded = await context.newPage();
	guarded.on("console", listen);
	await guarded.goto(args.base + "/l/browser-secret");
	ok(await shown(guarded.getByRole("heading", { name: "This link has a password" })), "a password is asked for");
	if (args.screenshots)
		await guarded.screenshot({ path: `${args.screenshots}/3-password.png` });
	complaints.length = 0; /* the refused slug and the refused target */
	await guarded.getByLabel("Password").fill("open sesame");
	await Promise.all([guarded.waitForURL(/localhost.*favicon/), guarded.getByRole("button", { name: "Follow the link" }).click()]);
	ok(true, "the right password leads to another host");
	await guarded.close();
	await button("Delete browser-test").click();
	await short.waitFor({ state: "detached" });
	ok(true, "a link is deleted");

	/* On a phone. */
	await page.setViewportSize({ width: 375, height: 700 });
	is(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true,
		"nothing sticks out on a phone");
	await shot("4-phone");
	await page.setViewportSize({ width: 1100, height: 760 });

	/*
	 * Sign-out: the page cannot read the cookie, and the cookie is deleted.
	 */
	is(await page.evaluate(() => document.cookie), "", "the page cannot read the cookie");
	await page.getByLabel("New task").fill("half a title");
	await button("Sign out").click();
	ok(await shown(button("Sign in")), "signed out");
	is((await context.cookies()).filter((c) => c.name.endsWith("session_token")).length, 0,
		"no session cookie is left");
	is(complaints, [], "nothing on the console so far");
	complaints.length = 0;

	/*
	 * The next user of this tab sees nothing of the previous user: neither
	 * while the new user's data are being loaded, nor if loading fails.
	 */
	const left = (...words) => page.evaluate((words) => words.filter((word) =>
		document.documentElement.outerHTML.includes(word) ||
		[...document.querySelectorAll("input")].some((i) => i.value.includes(word))), words);
	const ofMe = () => left(email, "Bea Browser", "write home", "half a title");
	const cleo = `cleo-${Date.now()}@example.com`;
	const listing = "**/api/core/tasks?*";
	is(await ofMe(), [], "nothing of me is left in the page");
	/* From here on requests are held until release() is called. */
	const hold = async (url) => {
		let release, tell;
		const released = new Promise((resolve) => { release = resolve; });
		const asked = new Promise((resolve) => { tell = resolve; });
		await page.route(url, async (route) => {
			const response = await route.fetch();
			tell();
			await released;
			await route.fulfill({ response });
		});
		return { asked, release };
	};
	let held = await hold(listing);
	await button("Create an account").click();
	await page.getByLabel("Name").fill("Cleo Browser");
	await page.locator("#sign-up").getByLabel("Email").fill(cleo);
	await page.locator("#sign-up").getByLabel("Password").fill(password);
	await Promise.all([
		held.asked, page.waitForResponse("**/api/core/me"),
		page.waitForResponse("**/api/wallet/accounts"), button("Sign up").click()]);
	is(await ofMe(), [], "nor while another's tasks are on their way");
	held.release();
	ok(await shown(page.getByText("Nothing to do yet.")), "she has none");
	is(await page.locator("#who").textContent(), cleo, "it says who she is");
	is(await ofMe(), [], "and nothing of me");
	await page.unroute(listing);
	held = await hold(listing);
	await page.getByLabel("New task").fill("read a book");
	await Promise.all([held.asked, button("Add task").click()]);
	await button("Sign out").click();
	ok(await shown(button("Sign in")), "signed out again");
	const late = page.waitForResponse(listing).then((r) => r.finished());
	held.release();
	await late;
	await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
	is(await left("read a book", cleo, "Cleo Browser"), [], "what comes later is not shown");
	await page.unroute(listing);
	is(complaints, [], "nothing on the console");

	const away = /\/api\/(core|wallet)\//;
	await page.route(away, (route) => route.fulfill({ status: 503, json: { message: "Away." } }));
	await signIn.getByLabel("Email").fill(email);
	await signIn.getByLabel("Password").fill(password);
	await button("Sign in").click();
	ok(await shown(page.getByText("Away.")), "what does not come is said");
	is(await page.locator("#who").textContent(), email, "to whom");
	is(await left(cleo, "Cleo Browser"), [], "and shows nothing of hers");
	await button("Sign out").click();
	ok(await shown(button("Sign in")), "and out");
	await page.unroute(away);
	complaints.length = 0; // the browser itself reports each 503 on the console

	/* A wrong password shows an error; the right one signs in. */
	await signIn.getByLabel("Email").fill(email);
	await signIn.getByLabel("Password").fill("not my password");
	await button("Sign in").click();
	ok(await shown(page.getByText("Invalid email or password (INVALID_EMAIL_OR_PASSWORD)")),
		"a wrong password says so, by message and code");
	await shot("5-wrong-password");
	complaints.length = 0; // the browser itself reports the 401 on the console

	/*
	 * After a failed sign-in by redirect, the error in the URL is shown as
	 * text.
	 */
	const evil = "<img src=x onerror=\"document.title='evil'\"><script>document.title='evil'</script>";
	await page.goto(`${args.base}/api/auth/error?error=state_mismatch&error_description=${encodeURIComponent(evil)}`);
	ok(await shown(page.getByText("(state_mismatch)")), "an error's code is shown");
	ok((await page.locator("#message").textContent()).includes(evil), "and its description, as text");
	is(await page.locator("#message *").count(), 0, "nothing but text");
	is(await page.title(), "Kedge", "nothing of it ran");
	is(new URL(page.url()).search, "", "the address does not keep it");
	ok(await shown(page.getByRole("heading", { name: "Sign in" })), "one can try again");
	await page.goto(`${args.base}/?error=${encodeURIComponent(evil)}&next=%2Fapi%2Fcore%2Fwhoami`);
	ok(await shown(page.getByText("(UNKNOWN)")), "what is no code is not shown");
	is(new URL(page.url()).search, "?next=%2Fapi%2Fcore%2Fwhoami", "where it wanted to go is kept");
	is(complaints, [], "nothing on the console");
	complaints.length = 0;

	/*
	 * A page that needs a session redirects the browser to sign in, and
	 * back afterwards.
	 */
	const before = await page.goto(args.base + "/api/core/whoami");
	is(before.request().redirectedFrom() !== null, true, "a refused navigation is redirected");
	ok(await shown(page.getByRole("heading", { name: "Sign in" })), "to sign in");
	await signIn.getByLabel("Email").fill(email);
	await signIn.getByLabel("Password").fill(password);
	await Promise.all([page.waitForURL("**/api/core/whoami"), button("Sign in").click()]);
	like(await page.textContent("body"), /"userId"/, "and then to where it wanted to go");
	is(complaints, [], "nothing on the console");

	/* The target after sign-in is on this site, or is ignored. */
	for (const next of ["//evil.example/x", "/.//evil.example/x", "/a/..//evil.example/x", ".//evil.example/x",
		`${args.base}//evil.example/x`, "/\\\\evil.example/x", "https://evil.example/", "javascript:alert(1)",
		"\t//evil.example", "http:evil.example"]) {
		await page.goto(`${args.base}/?next=${encodeURIComponent(next)}`);
		await page.waitForLoadState("networkidle").catch(() => {});
		is(new URL(page.url()).origin, args.base, `?next=${JSON.stringify(next)} stays here`);
	}
} catch (e) {
	ok(false, "the whole way");
	diag(e.stack);
	diag(complaints.join("\n"));
	await shot("failure");
} finally {
	await browser.close();
}
done();
