/* user_agent: the family of programs that a User-Agent header names. */
#ifndef WEB_USER_AGENT_H
#define WEB_USER_AGENT_H

/*
 * Returns a constant, as in nginx/log.conf.in: "Firefox", "curl", "bot", ...;
 * "none" without a header (NULL), "other" for one that is not in the table.
 */
const char *user_agent_family(const char *header);

#endif
