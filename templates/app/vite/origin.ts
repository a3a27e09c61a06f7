/** Where Kedge answers: at the origin of the page, unless .env names another one. */
export const origin: string = import.meta.env.VITE_KEDGE || location.origin;
