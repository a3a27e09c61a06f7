// Next also renders the page while it builds it, where there is no location.
const ofPage = typeof location === 'undefined' ? 'http://127.0.0.1' : location.origin;

/** Where Kedge answers: at the origin of the page, unless .env names another one. */
export const origin: string = process.env.NEXT_PUBLIC_KEDGE || ofPage;
