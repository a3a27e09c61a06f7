#include "links/link/link_slug.h"

#include <string.h>

#include "base/attr.h"
#include "base/random.h"
#include "base/str.h"

enum { GENERATED_LEN = 10 };

static const char alphabet[] = "23456789bcdfghjkmnpqrstvwxyz";

/* Compared by look: "he1p" is reserved as well. */
static const char *const reserved[] = { "abuse", "account", "admin",
	"administrator", "api", "auth", "billing", "contact", "health", "help",
	"imprint", "impressum", "legal", "login", "logout", "mail", "metrics",
	"null", "official", "password", "pay", "payment", "postmaster",
	"privacy", "register", "reset", "root", "security", "sign-in",
	"sign-up", "signin", "signup", "staff", "status", "support", "system",
	"terms", "undefined", "verify", "webmaster", "www" };

bool
slug_read(const char *text, char out[SLUG_SIZE])
{
	size_t len = strlen(text);

	if (len < SLUG_MIN || len > SLUG_MAX || !str_is_alnum(text[0]) ||
	    !str_is_alnum(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!str_is_alnum(text[i]) && text[i] != '-' && text[i] != '_')
			return false;
	}
	memcpy(out, text, len + 1);
	str_lower(out);
	return true;
}

/* The same replacements as link_look() of the database makes. */
static char
look_of(char c)
{
	switch (c) {
	case '0':
		return 'o';
	case '1':
	case 'i':
		return 'l';
	case '_':
		return '-';
	default:
		return c;
	}
}

static bool
look_alike(const char *a, const char *b)
{
	while (*a != '\0' && look_of(*a) == look_of(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

enum slug_problem
slug_choose(const char *text, char out[SLUG_SIZE])
{
	if (!slug_read(text, out))
		return SLUG_MALFORMED;
	for (size_t i = 0; i < COUNT_OF(reserved); i++) {
		if (look_alike(reserved[i], out))
			return SLUG_RESERVED;
	}
	return SLUG_FITS;
}

void
slug_generate(char out[SLUG_SIZE])
{
	const size_t n = sizeof(alphabet) - 1;
	/* Bytes from here on would make some characters more frequent. */
	const size_t limit = 256 / n * n;
	unsigned char byte;

	for (int i = 0; i < GENERATED_LEN;) {
		random_bytes(&byte, 1);
		if (byte < limit)
			out[i++] = alphabet[byte % n];
	}
	out[GENERATED_LEN] = '\0';
}
