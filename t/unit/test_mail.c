/* The message format, addresses and templates of fcgi/mail. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/base64.h"
#include "base/str.h"
#include "mail/mail.h"
#include "mail/mail_address.h"
#include "mail/mail_file.h"
#include "mail/mail_message.h"
#include "mail/mail_template.h"

static struct arena *a;
static char shipped[64], own[64];

static void
setup(void)
{
	a = arena_new();
	snprintf(
	    shipped, sizeof(shipped), "/tmp/test_mail.%d.s", (int)getpid());
	snprintf(own, sizeof(own), "/tmp/test_mail.%d.o", (int)getpid());
	ck_assert_int_eq(mkdir(shipped, 0700), 0);
	ck_assert_int_eq(mkdir(own, 0700), 0);
}

static void
teardown(void)
{
	(void)!system(arena_printf(a, "rm -rf %s %s", shipped, own));
	arena_free(a);
}

static void
put(const char *dir, const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", dir, name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fputs(text, f) >= 0, 1);
	ck_assert_int_eq(fclose(f), 0);
}

/* -- addresses -- */

static const struct {
	const char *address, *problem;
} addresses[] = {
	{ "a@example.com", NULL },
	{ "a.b+tag@sub.example.com", NULL },
	{ "o'brien!#$%&*/=?^_`{|}~-@example.com", NULL },
	{ "root@localhost", NULL },
	{ "", "MAIL_ADDRESS_INVALID" },
	{ "a", "MAIL_ADDRESS_INVALID" },
	{ "@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a@", "MAIL_ADDRESS_INVALID" },
	{ "a@b@c", "MAIL_ADDRESS_INVALID" },
	{ ".a@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a.@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a..b@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a b@example.com", "MAIL_ADDRESS_INVALID" },
	{ "\"a b\"@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a@[127.0.0.1]", "MAIL_ADDRESS_INVALID" },
	{ "a@example..com", "MAIL_ADDRESS_INVALID" },
	{ "a@-example.com", "MAIL_ADDRESS_INVALID" },
	{ "a@example.com\r\nBcc: x@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a@example.com>", "MAIL_ADDRESS_INVALID" },
	{ "<a@example.com", "MAIL_ADDRESS_INVALID" },
	{ "a@example.com\n", "MAIL_ADDRESS_INVALID" },
	{ "m\xc3\xbcller@example.com", "MAIL_ADDRESS_NOT_ASCII" },
	{ "a@m\xc3\xbcller.example", "MAIL_ADDRESS_NOT_ASCII" },
	/* a fullwidth at sign */
	{ "a\xef\xbc\xa0"
	  "example.com",
	    "MAIL_ADDRESS_NOT_ASCII" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "@example.com",
	    "MAIL_ADDRESS_TOO_LONG" },
};

START_TEST(test_address)
{
	const char *problem = mail_address_problem(addresses[_i].address);

	ck_assert_msg(str_eq(problem, addresses[_i].problem), "%s: %s",
	    addresses[_i].address, problem != NULL ? problem : "none");
}
END_TEST

START_TEST(test_split)
{
	static const struct {
		const char *text, *name, *address;
	} rows[] = {
		{ "a@example.com", "", "a@example.com" },
		{ "<a@example.com>", "", "a@example.com" },
		{ "Kedge <a@example.com>", "Kedge", "a@example.com" },
		{ " \"Ke\\\"dge, Inc.\"  <a@example.com>", "Ke\"dge, Inc.",
		    "a@example.com" },
		{ "M\xc3\xbcller <a@example.com>", "M\xc3\xbcller",
		    "a@example.com" },
		{ "Kedge a@example.com", NULL, NULL },
		{ "Kedge <a@example.com> x", NULL, NULL },
		{ "Ke\ndge <a@example.com>", NULL, NULL },
		{ "\xff <a@example.com>", NULL, NULL },
		{ "<>", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *name, *address;
		enum err e =
		    mail_address_split(a, rows[i].text, &name, &address);

		ck_assert_msg((e == ERR_OK) == (rows[i].name != NULL), "%s",
		    rows[i].text);
		if (e != ERR_OK)
			continue;
		ck_assert_str_eq(name, rows[i].name);
		ck_assert_str_eq(address, rows[i].address);
	}
}
END_TEST

/* -- messages -- */

static struct mail_message
message(void)
{
	return (struct mail_message){
		.id = "0190-1",
		.from_name = "Kedge",
		.from = "kedge@example.com",
		.to = "a@example.org",
		.subject = "Hello",
		.text = "One\nTwo\n",
		.html = "<p>One</p>\n",
		.language = "en",
		.date_ms = 1764546028000,
	};
}

static const char *
written(const struct mail_message *m)
{
	const char *text, *problem;
	size_t len;

	ck_assert_int_eq(
	    mail_message_write(a, m, &text, &len, &problem), ERR_OK);
	ck_assert_uint_eq(strlen(text), len);
	return text;
}

/* Lines end with CR LF, have no bytes beyond ASCII, and are not too long. */
static void
check_lines(const char *text)
{
	size_t line = 0;

	for (const char *s = text; *s != '\0'; s++) {
		ck_assert_uint_lt((unsigned char)*s, 0x80);
		if (*s == '\r') {
			ck_assert_int_eq(s[1], '\n');
			continue;
		}
		if (*s == '\n') {
			ck_assert_int_eq(s[-1], '\r');
			line = 0;
			continue;
		}
		ck_assert_uint_le(++line, 998);
	}
	ck_assert_uint_eq(line, 0);
}

START_TEST(test_message)
{
	struct mail_message m = message();

	ck_assert_str_eq(written(&m),
	    "Date: Sun, 30 Nov 2025 23:40:28 +0000\r\n"
	    "From: \"Kedge\"\r\n <kedge@example.com>\r\n"
	    "To: <a@example.org>\r\n"
	    "Subject: Hello\r\n"
	    "Message-ID: <0190-1@example.com>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "Content-Language: en\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative;\r\n"
	    " boundary=\"=_kedge_0190-1\"\r\n\r\n"
	    "--=_kedge_0190-1\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n"
	    "One\r\nTwo\r\n"
	    "\r\n--=_kedge_0190-1\r\n"
	    "Content-Type: text/html; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n"
	    "<p>One</p>\r\n"
	    "\r\n--=_kedge_0190-1--\r\n");
	ck_assert_str_eq(written(&m), written(&m));
}
END_TEST

/* Decodes the encoded words of a header into the text that they stand for. */
static const char *
decoded(const char *header)
{
	char *out = arena_alloc(a, strlen(header) + 1);
	size_t n = 0;

	for (const char *s = header; *s != '\0';) {
		const char *end;
		unsigned char *data;
		size_t len;

		if (!str_has_prefix(s, "=?UTF-8?B?")) {
			s += str_has_prefix(s, "\r\n ") ? 3 : 1;
			continue;
		}
		s += strlen("=?UTF-8?B?");
		end = strstr(s, "?=");
		ck_assert_ptr_nonnull(end);
		ck_assert_uint_le((size_t)(end - s) + 12, 75);
		ck_assert(base64_decode(a, s, (size_t)(end - s), &data, &len));
		memcpy(out + n, data, len);
		n += len;
		s = end + 2;
	}
	return out;
}

START_TEST(test_encoded_words)
{
	static const char *const texts[] = {
		"Gr\xc3\xbc\xc3\x9f"
		"e",
		"=?UTF-8?Q?spoofed?=",
		" two  blanks ",
		"\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94"
		"\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f"
		"\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91",
		"averyveryveryveryveryveryveryveryveryveryveryveryveryveryvery"
		"veryverylongword",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct mail_message m = message();
		const char *text, *at, *end;

		m.subject = texts[i];
		m.from_name = texts[i];
		text = written(&m);
		check_lines(text);
		at = strstr(text, "Subject: ") + strlen("Subject: ");
		end = strstr(at, "\r\nMessage-ID");
		ck_assert_str_eq(
		    decoded(arena_strndup(a, at, (size_t)(end - at))),
		    texts[i]);
		at = strstr(text, "From: ") + strlen("From: ");
		end = strstr(at, "\r\n <kedge@");
		ck_assert_str_eq(
		    decoded(arena_strndup(a, at, (size_t)(end - at))),
		    texts[i]);
	}
}
END_TEST

START_TEST(test_folding)
{
	struct mail_message m = message();
	const char *text;

	m.subject = "one two three four five six seven eight nine ten eleven "
		    "twelve thirteen fourteen fifteen sixteen seventeen";
	m.to_name = "Doe, \"Jo\\hn\"";
	text = written(&m);
	ck_assert_ptr_nonnull(strstr(text,
	    "Subject: one two three four five six seven eight nine ten eleven "
	    "twelve\r\n thirteen fourteen fifteen sixteen seventeen\r\n"));
	ck_assert_ptr_nonnull(strstr(
	    text, "To: \"Doe, \\\"Jo\\\\hn\\\"\"\r\n <a@example.org>\r\n"));
}
END_TEST

START_TEST(test_injection)
{
	static const char hostile[] = "x\r\nBcc: all@example.com";
	const char *text, *problem;
	size_t len;

	for (int i = 0; i < 7; i++) {
		struct mail_message m = message();
		const char **const members[] = { &m.subject, &m.from_name,
			&m.to_name, &m.to, &m.from, &m.id, &m.language };
		const char *const values[] = { hostile, "a\nb", "a\rb", "a\tb",
			"\x7f", "\xff" };

		for (size_t k = 0; k < COUNT_OF(values); k++) {
			*members[i] = values[k];
			ck_assert_int_eq(
			    mail_message_write(a, &m, &text, &len, &problem),
			    ERR_INVALID);
			ck_assert(str_has_prefix(problem, "MAIL_"));
		}
	}
}
END_TEST

START_TEST(test_quoted_printable)
{
	struct mail_message m = message();
	const char *text;

	m.html = NULL;
	m.text = "Gr\xc3\xbc\xc3\x9f"
		 "e = \n.dot\nFrom me\nend";
	ck_assert_ptr_nonnull(strstr(written(&m),
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Gr=C3=BC=C3=9Fe =3D=20\r\n=2Edot\r\n=46rom me\r\nend\r\n"));
	m.text = "0123456789012345678901234567890123456789012345678901234567890"
		 "12345678901234567890123456789\xc3\xbc";
	text = written(&m);
	check_lines(text);
	ck_assert_ptr_nonnull(strstr(text,
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234=\r\n567890123456789=C3=BC\r\n"));
	/* The end of a part cannot be forged. */
	m = message();
	m.text = "--=_kedge_0190-1--\n";
	ck_assert_ptr_nonnull(
	    strstr(written(&m), "\r\n\r\n--=3D_kedge_0190-1--\r\n"));
}
END_TEST

START_TEST(test_file)
{
	const char *reason = "", *path = arena_printf(a, "%s/1.eml", own);
	struct stat st;

	ck_assert_int_eq(
	    mail_file_write(a, own, "1", "text", 4, &reason), ERR_OK);
	ck_assert_int_eq(
	    mail_file_write(a, own, "1", "longer", 6, &reason), ERR_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 6);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(
	    mail_file_write(a, "/nonexistent", "1", "text", 4, &reason),
	    ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(reason, "No such file"));
}
END_TEST

/* -- templates -- */

static void
ship(void)
{
	put(shipped, "reset.en.txt",
	    "Subject: New password for {{site}}\n\nOpen {{url}}\n");
	put(shipped, "reset.en.html", "<a href=\"{{url}}\">{{ url }}</a>\n");
	put(shipped, "reset.de.txt", "Subject: Neues Passwort\n\n{{url}}\n");
	put(shipped, "reset.de.html", "<a href=\"{{url}}\">x</a>\n");
}

START_TEST(test_render)
{
	const struct mail_value values[] = {
		{ "site", "a\r\nBcc: x" },
		{ "url", "https://x.example/?a=1&b=\"<'>" },
		{ NULL, NULL },
	};
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mail_rendered r;
	struct mail_templates *t;

	ship();
	t = mail_templates_read(shipped, NULL, problem);
	ck_assert_msg(t != NULL, "%s", problem);
	ck_assert_int_eq(
	    mail_templates_render(t, a, "reset", "en", values, &r), ERR_OK);
	ck_assert_str_eq(r.subject, "New password for a  Bcc: x");
	ck_assert_str_eq(r.text, "Open https://x.example/?a=1&b=\"<'>\n");
	ck_assert_str_eq(r.html,
	    "<a href=\"https://x.example/?a=1&amp;b=&quot;&lt;&#39;&gt;\">"
	    "https://x.example/?a=1&amp;b=&quot;&lt;&#39;&gt;</a>\n");
	ck_assert_int_eq(
	    mail_templates_render(t, a, "reset", "en", values + 1, &r),
	    ERR_INVALID);
	ck_assert_int_eq(mail_templates_render(t, a, "other", "en", values, &r),
	    ERR_INVALID);
	mail_templates_free(t);
}
END_TEST

START_TEST(test_language)
{
	static const struct {
		const char *wanted, *fallback, *language;
	} rows[] = {
		{ NULL, NULL, "en" },
		{ "", "de", "de" },
		{ "de", "en", "de" },
		{ "de-AT,fr;q=0.5", "en", "de" },
		{ "DE", "en", "de" },
		{ "fr, en;q=0.2, de;q=0.7", "en", "de" },
		{ "fr", "de", "de" },
		{ "fr", "xx", "en" },
		{ "de;q=0", "en", "en" },
		{ "de;x=1", "en", "en" },
		{ ",,, ;q=, -", "en", "en" },
		{ "../../etc/passwd", "en", "en" },
	};
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mail_templates *t;

	ship();
	t = mail_templates_read(shipped, NULL, problem);
	ck_assert_msg(t != NULL, "%s", problem);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_str_eq(mail_templates_language(t, "reset",
				     rows[i].wanted, rows[i].fallback),
		    rows[i].language);
	mail_templates_free(t);
}
END_TEST

/* The operator's files: one at a time, over the shipped ones. */
static const struct {
	const char *name, *text, *problem;
} own_files[] = {
	{ "reset.en.txt", "Subject: Mine\n\n{{url}} {{site}}\n", NULL },
	{ "reset.en.html", "<p>{{url}}</p>", NULL },
	{ ".hidden", "x", NULL },
	{ "reset.en.txt~", "x", NULL },
	{ "reset.en.txt", "Mine\n\n{{url}}\n", "the first line must be" },
	{ "reset.en.txt", "Subject: Mine\n{{url}}\n", "the second" },
	{ "reset.en.txt", "Subject: \n\n{{url}}\n", "the first line must be" },
	{ "reset.en.txt", "Subject: Mine\n\n{{name}}\n{{url}}",
	    "reset.en.txt, line 3: there is no placeholder {{name}}" },
	{ "reset.en.txt", "Subject: Mine\n\n\n{{url}\n",
	    "line 4: \"{{\" begins no placeholder" },
	{ "reset.en.txt", "Subject: Mine\n\nNothing\n",
	    "does not contain {{url}}" },
	{ "reset.en.html", "<p>Nothing</p>", "reset.en.html does not contain" },
	{ "reset.fr.txt", "Subject: Moi\n\n{{url}}\n",
	    "there is no reset.fr.html" },
	{ "rest.en.txt", "Subject: Moi\n\n{{url}}\n",
	    "there is no message \"rest\"" },
	{ "reset.txt", "Subject: Moi\n\n{{url}}\n",
	    "a template is named MESSAGE.LANGUAGE.txt" },
	{ "reset.en.htm", "x", "a template is named" },
	{ "reset.en.html", "\xff", "is not UTF-8" },
};

START_TEST(test_own)
{
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mail_templates *t;

	ship();
	put(own, own_files[_i].name, own_files[_i].text);
	t = mail_templates_read(shipped, own, problem);
	if (own_files[_i].problem == NULL)
		ck_assert_msg(t != NULL, "%s", problem);
	else
		ck_assert_msg(
		    t == NULL && strstr(problem, own_files[_i].problem) != NULL,
		    "%s: %s", own_files[_i].name, problem);
	mail_templates_free(t);
}
END_TEST

START_TEST(test_directories)
{
	static const char *const names[] = { "url", "site", NULL };
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mail_templates *t;

	ck_assert_ptr_null(mail_templates_read("/nonexistent", NULL, problem));
	ck_assert_ptr_nonnull(strstr(problem, "cannot read the directory"));
	ship();
	t = mail_templates_read(shipped, "/nonexistent", problem);
	ck_assert_ptr_nonnull(t);
	ck_assert(mail_templates_has(t, "reset", names, problem));
	ck_assert(!mail_templates_has(t, "reset", names + 1, problem));
	ck_assert_ptr_nonnull(strstr(problem, "no value {{url}}"));
	ck_assert(!mail_templates_has(t, "other", names, problem));
	mail_templates_free(t);
}
END_TEST

/* -- settings -- */

static const struct {
	const char *url, *from, *user, *password, *tls, *wrong;
} settings[] = {
	{ "", "", "", "", "required", NULL },
	{ "", "", "", "", "on", "MAIL_TLS" },
	{ "smtp://mx.example.com:587", "a@example.com", "", "", "required",
	    NULL },
	{ "smtp://mx.example.com", "A <a@example.com>", "u", "p", "required",
	    NULL },
	{ "smtps://[::1]:465", "a@example.com", "u", "p", "off", NULL },
	{ "file:mail", "a@example.com", "", "", "required", NULL },
	{ "file:", "a@example.com", "", "", "required", "MAIL_URL" },
	{ "file:///x", "a@example.com", "", "", "required", "MAIL_URL" },
	{ "http://x", "a@example.com", "", "", "required", "MAIL_URL" },
	{ "smtp://u:p@x:25", "a@example.com", "", "", "required", "MAIL_URL" },
	{ "smtp://x:0", "a@example.com", "", "", "required", "MAIL_URL" },
	{ "smtp://x:25/y", "a@example.com", "", "", "required", "MAIL_URL" },
	{ "smtp://x", "", "", "", "required", "MAIL_FROM" },
	{ "smtp://x", "A", "", "", "required", "MAIL_FROM" },
	{ "smtp://x", "a@example.com", "u", "", "required", "MAIL_PASSWORD" },
	{ "smtp://x", "a@example.com", "", "p", "required", "MAIL_USER" },
	{ "smtp://x", "a@example.com", "u", "p", "opportunistic", "MAIL_TLS" },
	{ "smtp://127.0.0.1:25", "a@example.com", "u", "p", "off", NULL },
};

START_TEST(test_settings)
{
	const struct mail_config c = {
		.url = settings[_i].url,
		.from = settings[_i].from,
		.user = settings[_i].user,
		.password = settings[_i].password,
		.tls = settings[_i].tls,
		.ca_file = "",
		.shipped = "/x",
		.templates = "",
		.language = "en",
		.timeout_ms = 1000,
	};
	char problem[MAIL_PROBLEM_SIZE] = "";
	const char *variable = NULL;
	bool good = mail_config_check(&c, &variable, problem);

	ck_assert_msg(good == (settings[_i].wrong == NULL), "%s", problem);
	if (!good)
		ck_assert_str_eq(variable, settings[_i].wrong);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mail");
	TCase *t = tcase_create("mail");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_address, 0, COUNT_OF(addresses));
	tcase_add_test(t, test_split);
	tcase_add_test(t, test_message);
	tcase_add_test(t, test_encoded_words);
	tcase_add_test(t, test_folding);
	tcase_add_test(t, test_injection);
	tcase_add_test(t, test_quoted_printable);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_render);
	tcase_add_test(t, test_language);
	tcase_add_loop_test(t, test_own, 0, COUNT_OF(own_files));
	tcase_add_test(t, test_directories);
	tcase_add_loop_test(t, test_settings, 0, COUNT_OF(settings));
	suite_add_tcase(s, t);
	return unit_run(s);
}
