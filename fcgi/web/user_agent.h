/* user_agent: which family of programs a User-Agent header names. */
#ifndef WEB_USER_AGENT_H
#define WEB_USER_AGENT_H

/*
 * A constant, as nginx/log.conf.in has it: "Firefox", "curl", "bot", ...;
 * "none" for no header (NULL), "other" for one that is not in the table.
 */
const char *user_agent_family(const char *header);

#endif
