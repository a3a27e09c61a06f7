/*
 * Where auth answers otherwise than BetterAuth 1.7.7 on purpose.  Each row is
 * explained in docs/COMPATIBILITY.md.
 *   steps   the names of the steps it may touch
 *   aspect  of the answer: status, type, body, cookies, location, cache, ...
 *   holds   (BetterAuth's, ours): what ours must be instead
 */
export const differences = [];
