/* The plugin bearer with requireSignature: the same steps, with other responses. */
export { differences, steps } from "./bearer.mjs";
