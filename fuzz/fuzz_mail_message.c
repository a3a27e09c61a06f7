/*
 * fuzz_mail_message: whatever its texts are, a message is either refused with a
 * code, or each header is there once, no line is too long, and no byte is
 * outside of ASCII.  An address that is accepted cannot break out of "<>".
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "mail/mail_address.h"
#include "mail/mail_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { LINE_MAX_BYTES = 998, PARTS = 8 };

/* The next part of the input; parts are separated by 0x1e. */
static const char *
take(struct arena *a, const char **at, const char *end)
{
	const char *start = *at;
	const char *sep = memchr(start, 0x1e, (size_t)(end - start));

	*at = sep != NULL ? sep + 1 : end;
	return arena_strndup(
	    a, start, (size_t)((sep != NULL ? sep : end) - start));
}

static void
check_address(struct arena *a, const char *address)
{
	const char *name, *same;

	if (mail_address_problem(address) == NULL) {
		assert(strpbrk(address, " \t\r\n<>\",;:\\()[]") == NULL);
		assert(strlen(address) <= MAIL_ADDRESS_MAX_BYTES);
		assert(strchr(address, '@') == strrchr(address, '@'));
		assert(mail_address_split(a, address, &name, &same) == ERR_OK);
		assert(*name == '\0' && str_eq(same, address));
	}
	if (mail_address_split(a, address, &name, &same) == ERR_OK)
		assert(mail_address_problem(same) == NULL);
}

static int
count(const char *text, const char *end, const char *name)
{
	int n = 0;

	for (const char *s = text; s < end; s = strstr(s, "\r\n") + 2)
		n += str_has_prefix(s, name);
	return n;
}

static void
check(const char *text, size_t len)
{
	static const char *const headers[] = { "Date:", "From:", "To:",
		"Subject:", "Message-ID:", "MIME-Version:", "Content-Type:" };
	const char *body = strstr(text, "\r\n\r\n");
	size_t line = 0;

	assert(strlen(text) == len && body != NULL);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		assert(c < 0x80 && c != 0x7f);
		assert(c >= ' ' || c == '\t' || c == '\r' || c == '\n');
		assert((c == '\n') == (i > 0 && text[i - 1] == '\r'));
		line = c == '\n' ? 0 : line + 1;
		assert(line <= LINE_MAX_BYTES + 1);
	}
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert(count(text, body + 2, headers[i]) == 1);
	assert(count(text, body + 2, "Bcc:") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *at = (const char *)data, *end = at + len;
	const char *parts[PARTS], *text, *problem = NULL;
	size_t text_len;

	for (int i = 0; i < PARTS; i++)
		parts[i] = take(a, &at, end);
	check_address(a, parts[0]);
	for (int round = 0; round < 2; round++) {
		struct mail_message m = {
			.id = round == 0 ? "id" : parts[6],
			.from = "kedge@example.com",
			.from_name = parts[1],
			.to = round == 0 ? "a@example.com" : parts[0],
			.to_name = parts[2],
			.subject = parts[3],
			.text = parts[4],
			.html = len % 3 == 0 ? NULL : parts[5],
			.language = round == 0 ? "en" : parts[7],
			.date_ms = (int64_t)len * 1000000,
		};

		if (mail_message_write(a, &m, &text, &text_len, &problem) ==
		    ERR_OK)
			check(text, text_len);
		else
			assert(str_has_prefix(problem, "MAIL_"));
	}
	arena_free(a);
	return 0;
}
