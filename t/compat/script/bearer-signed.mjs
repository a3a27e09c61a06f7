/*
 * The plugin bearer with requireSignature: the same steps, with other responses.
 * A raw token is no credential there, so that nothing differs.
 */
export { steps } from "./bearer.mjs";
export const differences = [];
