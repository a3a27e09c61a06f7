/*
 * An HTTP client for tests.  It adds nothing to a request (fetch would add
 * Sec-Fetch-Mode, which alone changes BetterAuth's behaviour), and it keeps the
 * order of Set-Cookie lines.
 */
import http from "node:http";

export class Jar {
	constructor() {
		this.cookies = new Map();
	}
	store(lines) {
		for (const line of lines) {
			const [pair, ...attributes] = line.split(/;\s*/);
			const at = pair.indexOf("=");
			const key = pair.slice(0, at);
			const gone = attributes.some((a) => /^max-age=0$/i.test(a));
			if (gone)
				this.cookies.delete(key);
			else
				this.cookies.set(key, pair.slice(at + 1));
		}
	}
	header() {
		return [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
	}
	get(key) {
		return this.cookies.get(key);
	}
	copy() {
		const jar = new Jar();
		jar.cookies = new Map(this.cookies);
		return jar;
	}
}

/*
 * Sends a request; headers are [name, value] pairs, and the response is decoded
 * as UTF-8.
 */
export function request(base, { method = "GET", path, headers = [], body }) {
	const url = new URL(base);
	return new Promise((resolve, reject) => {
		const lines = [["Host", url.host], ...headers];
		if (body !== undefined)
			lines.push(["Content-Length", String(Buffer.byteLength(body))]);
		else if (method !== "GET" && method !== "HEAD")
			lines.push(["Content-Length", "0"]);
		lines.push(["Connection", "close"]);
		const req = http.request({
			host: url.hostname,
			port: url.port,
			method,
			path,
			headers: lines.flat(),
			agent: false,
			timeout: 20_000,
		});
		req.on("timeout", () => req.destroy(new Error("no answer in 20 s")));
		req.on("error", reject);
		req.on("response", (res) => {
			const chunks = [];
			res.on("data", (c) => chunks.push(c));
			res.on("error", reject);
			res.on("end", () => resolve({
				status: res.statusCode,
				headers: res.headers,
				cookies: res.headers["set-cookie"] ?? [],
				text: Buffer.concat(chunks).toString("utf8"),
			}));
		});
		req.end(body);
	});
}

/*
 * A fetch function for the official client: with a cookie jar, and the page's
 * Origin.
 */
export function pageFetch(origin, jar = new Jar()) {
	const fetchAsPage = async (input, init = {}) => {
		const headers = new Headers(init.headers);
		headers.set("origin", origin);
		if (jar.cookies.size > 0)
			headers.set("cookie", jar.header());
		const res = await fetch(input, { ...init, headers, redirect: "manual" });
		jar.store(res.headers.getSetCookie());
		return res;
	};
	return { jar, fetch: fetchAsPage };
}
