/* An authenticator app: the code of an otpauth address, some periods from now. */
import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function decode(text) {
	const bits = [...text].map((c) => ALPHABET.indexOf(c).toString(2).padStart(5, "0")).join("");
	return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

export function code(uri, periods = 0) {
	const query = new URL(uri).searchParams;
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / Number(query.get("period"))) + periods));
	const mac = createHmac("sha1", decode(query.get("secret"))).update(counter).digest();
	const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
	const digits = Number(query.get("digits"));
	return String(number % 10 ** digits).padStart(digits, "0");
}
