// What the page knows of Kedge: auth, by the official client, and the other services, by
// a client that has their types.
import { createAuthClient } from 'better-auth/react';
import createClient from 'openapi-fetch';
import { origin } from './origin';
import type { components as core, paths as corePaths } from './types/core';
import type { components as wallet, paths as walletPaths } from './types/wallet';

export type Task = core['schemas']['Task'];
export type Account = wallet['schemas']['Account'];

export const auth = createAuthClient({ baseURL: origin });
// 'include' sends the session's cookie to another origin, too.
export const api = createClient<corePaths & walletPaths>({ baseUrl: origin, credentials: 'include' });

/** A browser does not tell a page whether its origin was refused, or nobody answers. */
const noAnswer = () => `${origin} does not answer.` + (origin === location.origin ? ''
	: ` Does Kedge run, and is ${location.origin} in its AUTH_TRUSTED_ORIGINS?`);

/** An answer that is no success. Decide by `code`; `message` is for people. */
export class ApiError extends Error {
	readonly code: string;
	readonly requestId?: string;

	constructor(readonly status: number, body: Partial<core['schemas']['Error']>) {
		const fields = (body.fields ?? []).map((f) => `${f.field} ${f.message}`).join('; ');
		super(status ? fields || body.message || `The server answered ${status}.` : noAnswer());
		this.code = body.code ?? (status ? 'UNKNOWN' : 'NO_ANSWER');
		this.requestId = body.requestId;
	}
}

/** Returns what a service answers, or throws an ApiError. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
	const { data, error, response } = await call.catch(() => {
		throw new ApiError(0, {});
	});
	// A proxy's page is no object.
	if (!response.ok) throw new ApiError(response.status, typeof error === 'object' && error ? error : {});
	return data as T;
}

/** The same for BetterAuth's client, which returns an error instead of throwing it. */
export async function authAnswer<T>(
	call: Promise<{ data: T; error: { status: number; code?: string; message?: string } | null }>,
): Promise<T> {
	const { data, error } = await call.catch(() => {
		throw new ApiError(0, {});
	});
	if (error) throw new ApiError(error.status, error);
	return data;
}

/** A number of minor units as text: 1050 of a currency with the exponent 2 is 10.50. */
export function money(minor: number, exponent: number): string {
	const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
	const whole = digits.slice(0, digits.length - exponent);
	const format = new Intl.NumberFormat(undefined, { minimumFractionDigits: exponent });
	// As text, because a binary fraction would not be exact.
	return format.format(`${minor < 0 ? '-' : ''}${whole}.${digits.slice(whole.length)}` as unknown as number);
}
