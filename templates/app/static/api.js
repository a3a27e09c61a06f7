// What the page knows of Kedge: auth, by the official client, and the other services.
import { origin } from './config.js';
import { createAuthClient } from './vendor/better-auth-client.js';

/** @typedef {import('../types/core').components['schemas']} Core */
/** @typedef {import('../types/wallet').components['schemas']} Wallet */

/** BetterAuth's client; its methods are in https://better-auth.com/docs, its types only in npm. */
export const auth = /** @type {any} */ (createAuthClient({ baseURL: origin }));

/** A browser does not tell a page whether its origin was refused, or nobody answers. */
const noAnswer = () => `${origin} does not answer.` + (origin === location.origin ? ''
	: ` Does Kedge run, and is ${location.origin} in its AUTH_TRUSTED_ORIGINS?`);

/** An answer that is no success. Decide by `code`; `message` is for people. */
export class ApiError extends Error {
	/** @param {number} status @param {Partial<Core['Error']>} body */
	constructor(status, body) {
		const fields = (body.fields ?? []).map((f) => `${f.field} ${f.message}`).join('; ');
		super(status ? fields || body.message || `The server answered ${status}.` : noAnswer());
		this.status = status;
		this.code = body.code ?? (status ? 'UNKNOWN' : 'NO_ANSWER');
		this.requestId = body.requestId;
	}
}

/**
 * Returns what BetterAuth's client has got, or throws an ApiError; the client itself throws none.
 * @param {Promise<any>} call
 */
export async function authAnswer(call) {
	const { data, error } = await call.catch(() => ({ error: {} }));
	if (error) throw new ApiError(error.status ?? 0, error);
	return data;
}

/**
 * Sends a request to a service.
 * @param {string} method
 * @param {string} path for example /api/core/tasks
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} what the service answers, or an ApiError
 */
export async function call(method, path, body, headers = {}) {
	const response = await fetch(origin + path, {
		method,
		credentials: 'include', // the session's cookie, to another origin, too
		headers: { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
		body: JSON.stringify(body),
	}).catch(() => {
		throw new ApiError(0, {});
	});
	const text = await response.text();
	let answer;
	try {
		answer = text && JSON.parse(text);
	} catch {
		throw new ApiError(response.status, {}); // a proxy's page, not an answer of Kedge's
	}
	if (!response.ok) throw new ApiError(response.status, answer || {});
	return answer;
}

/**
 * A number of minor units as text: 1050 of a currency with the exponent 2 is 10.50.
 * @param {number} minor
 * @param {number} exponent
 */
export function money(minor, exponent) {
	const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
	const whole = digits.slice(0, digits.length - exponent);
	const format = new Intl.NumberFormat(undefined, { minimumFractionDigits: exponent });
	// As text, because a binary fraction would not be exact.
	return format.format(/** @type {any} */ (`${minor < 0 ? '-' : ''}${whole}.${digits.slice(whole.length)}`));
}
