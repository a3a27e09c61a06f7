/* user_agent: the family of programs that a User-Agent header names. */
#ifndef WEB_USER_AGENT_H
#define WEB_USER_AGENT_H

/*
 * Returns the family, a constant that nginx/log.conf.in names in the same way:
 * "Firefox", "curl", "bot", ...; "none" without a header (NULL), "other" for a
 * program that is not in the table.
 */
const char *user_agent_family(const char *header);

#endif
