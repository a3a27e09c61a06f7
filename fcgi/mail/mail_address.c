#include "mail/mail_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"

/* RFC 5322 section 3.2.3: the characters of an atom beside letters and digits.
 */
static const char atom_marks[] = "!#$%&'*+-/=?^_`{|}~";

static bool
is_dot_atom(const char *s, size_t len)
{
	if (len == 0 || s[0] == '.' || s[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' && s[i + 1] == '.')
			return false;
		if (s[i] != '.' && !str_is_alnum(s[i]) &&
		    strchr(atom_marks, s[i]) == NULL)
			return false;
	}
	return true;
}

static bool
is_label(const char *s, size_t len)
{
	if (len == 0 || len > MAIL_LABEL_MAX_BYTES || s[0] == '-' ||
	    s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!str_is_alnum(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

static bool
is_domain(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, ".");

		if (!is_label(s, len))
			return false;
		if (s[len] == '\0')
			return true;
		s += len + 1;
	}
}

const char *
mail_address_problem(const char *address)
{
	size_t len = strlen(address);
	const char *at = strrchr(address, '@');

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)address[i] >= 0x80)
			return "MAIL_ADDRESS_NOT_ASCII";
	}
	if (at == NULL || !is_dot_atom(address, (size_t)(at - address)) ||
	    !is_domain(at + 1))
		return "MAIL_ADDRESS_INVALID";
	if (len > MAIL_ADDRESS_MAX_BYTES || at - address > MAIL_LOCAL_MAX_BYTES)
		return "MAIL_ADDRESS_TOO_LONG";
	return NULL;
}

const char *
mail_address_domain(const char *address)
{
	return strrchr(address, '@') + 1;
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	}
	return false;
}

/* Removes blanks at both ends, and quotes around the rest. */
static const char *
read_name(struct arena *a, const char *s, size_t len)
{
	char *name;
	size_t n = 0;
	bool quoted;

	while (len > 0 && (s[0] == ' ' || s[0] == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	quoted = len >= 2 && s[0] == '"' && s[len - 1] == '"';
	if (quoted) {
		s++;
		len -= 2;
	}
	name = arena_alloc(a, len + 1);
	for (size_t i = 0; i < len; i++) {
		if (quoted && s[i] == '\\' && i + 1 < len)
			i++;
		name[n++] = s[i];
	}
	return name;
}

enum err
mail_address_split(struct arena *a, const char *text, const char **ret_name,
    const char **ret_address)
{
	size_t len = strlen(text);
	const char *open = strrchr(text, '<'), *name = "", *address = text;

	if (!utf8_valid(text, len) || has_control(text))
		return ERR_INVALID;
	if (open != NULL) {
		if (text[len - 1] != '>')
			return ERR_INVALID;
		name = read_name(a, text, (size_t)(open - text));
		address =
		    arena_strndup(a, open + 1, len - 2 - (size_t)(open - text));
	}
	if (mail_address_problem(address) != NULL)
		return ERR_INVALID;
	*ret_name = name;
	*ret_address = address;
	return ERR_OK;
}
