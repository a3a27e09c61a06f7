/* The plugin bearer with requireSignature: the same steps, otherwise answered. */
export { differences, steps } from "./bearer.mjs";
