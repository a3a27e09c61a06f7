#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/str.h"
#include "links/click/click_table.h"
#include "links/link/link_slug.h"
#include "links/link/link_target.h"
#include "links/redirect/redirect_cache.h"
#include "web/user_agent.h"

/* -- slugs -- */

static const struct {
	const char *text;
	enum slug_problem problem;
	const char *slug; /* if it fits */
} slugs[] = {
	{ "abc", SLUG_FITS, "abc" },
	{ "Sale-2026", SLUG_FITS, "sale-2026" },
	{ "a_b", SLUG_FITS, "a_b" },
	{ "0-0", SLUG_FITS, "0-0" },
	{ "", SLUG_MALFORMED, NULL },
	{ "ab", SLUG_MALFORMED, NULL },
	{ "-ab", SLUG_MALFORMED, NULL },
	{ "ab-", SLUG_MALFORMED, NULL },
	{ "_ab", SLUG_MALFORMED, NULL },
	{ "a.b", SLUG_MALFORMED, NULL },
	{ "a/b", SLUG_MALFORMED, NULL },
	{ "a b", SLUG_MALFORMED, NULL },
	{ "a\nb", SLUG_MALFORMED, NULL },
	{ "p\xc3\xa4ypal", SLUG_MALFORMED, NULL },
	{ "login", SLUG_RESERVED, NULL },
	{ "L0G1N", SLUG_RESERVED, NULL },
	{ "iogin", SLUG_RESERVED, NULL },
	{ "sign_up", SLUG_RESERVED, NULL },
	{ "logins", SLUG_FITS, "logins" },
	{ "logi", SLUG_FITS, "logi" },
};

START_TEST(slug_is_checked)
{
	char out[SLUG_SIZE] = "";

	ck_assert_int_eq(slug_choose(slugs[_i].text, out), slugs[_i].problem);
	if (slugs[_i].slug != NULL)
		ck_assert_str_eq(out, slugs[_i].slug);
}
END_TEST

START_TEST(slug_has_a_length)
{
	char text[SLUG_MAX + 2], out[SLUG_SIZE];

	memset(text, 'a', sizeof(text));
	text[SLUG_MAX] = '\0';
	ck_assert(slug_read(text, out));
	ck_assert_str_eq(out, text);
	text[SLUG_MAX] = 'a';
	text[SLUG_MAX + 1] = '\0';
	ck_assert(!slug_read(text, out));
}
END_TEST

/* Each character occurs in each place, and no two slugs are the same. */
START_TEST(generated_slugs_differ)
{
	enum { N = 800 };
	static char made[N][SLUG_SIZE];
	bool seen[10][128] = { { false } };
	char out[SLUG_SIZE];

	for (int i = 0; i < N; i++) {
		slug_generate(made[i]);
		ck_assert_uint_eq(strlen(made[i]), 10);
		ck_assert_int_eq(slug_choose(made[i], out), SLUG_FITS);
		ck_assert_str_eq(out, made[i]);
		for (int k = 0; k < 10; k++)
			seen[k][(unsigned char)made[i][k]] = true;
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(made[i], made[k]);
	}
	for (int k = 0; k < 10; k++) {
		int n = 0;

		for (int c = 0; c < 128; c++)
			n += seen[k][c];
		ck_assert_int_eq(n, 28);
	}
}
END_TEST

/* -- targets -- */

static const struct {
	const char *target;
	enum target_problem problem;
} targets[] = {
	{ "https://example.com", TARGET_FITS },
	{ "HTTP://EXAMPLE.com:80/a?b#c", TARGET_FITS },
	{ "https://example.com./", TARGET_FITS },
	{ "https://[2001:db8::1]:443/", TARGET_FITS },
	{ "https://1.2.3.4/", TARGET_FITS },
	{ "https://example.com/a@b?c@d", TARGET_FITS },
	{ "https://example.com?x=https://own.example/l/x", TARGET_FITS },
	{ "ftp://example.com/", TARGET_NOT_HTTP },
	{ "https:/example.com/", TARGET_NOT_HTTP },
	{ "javascript:alert(1)", TARGET_NOT_HTTP },
	{ " https://example.com/", TARGET_NOT_HTTP },
	{ "https://example.com/\x01", TARGET_CHARACTERS },
	{ "https://example.com/\x7f", TARGET_CHARACTERS },
	{ "https://example.com/\xc3\xa4", TARGET_CHARACTERS },
	{ "https://example.com/ x", TARGET_CHARACTERS },
	{ "https://example.com\\@evil", TARGET_CHARACTERS },
	{ "https://example.com/\"x", TARGET_CHARACTERS },
	{ "https://a@example.com/", TARGET_CREDENTIALS },
	{ "https://a:b@example.com/", TARGET_CREDENTIALS },
	{ "https://own.example@evil.example", TARGET_CREDENTIALS },
	{ "https://", TARGET_HOST },
	{ "https:///x", TARGET_HOST },
	{ "https://?x", TARGET_HOST },
	{ "https://:80/", TARGET_HOST },
	{ "https://example.com:/", TARGET_HOST },
	{ "https://example.com:0/", TARGET_HOST },
	{ "https://example.com:65536/", TARGET_HOST },
	{ "https://example.com:8a/", TARGET_HOST },
	{ "https://exa%6dple.com/", TARGET_HOST },
	{ "https://.example.com/", TARGET_HOST },
	{ "https://[::1/", TARGET_HOST },
	{ "https://[::1]x/", TARGET_HOST },
	{ "https://[x]/", TARGET_HOST },
	{ "https://own.example/l/x", TARGET_LOOP },
	{ "http://OWN.example.:81/l/x", TARGET_LOOP },
	{ "https://own.example/%6C/x", TARGET_LOOP },
	{ "https://own.example/%2e%2e/l%2Fx", TARGET_LOOP },
	{ "https://own.example//l//x", TARGET_LOOP },
	{ "https://own.example/%zz", TARGET_LOOP },
	{ "https://other.example:8443/l/x", TARGET_LOOP },
	{ "https://own.example/", TARGET_FITS },
	{ "https://own.example/lx?/l/x", TARGET_FITS },
	{ "https://notown.example/l/x", TARGET_FITS },
	{ "https://bad.example/", TARGET_BLOCKED },
	{ "https://a.b.BAD.example.:1/", TARGET_BLOCKED },
	{ "https://xbad.example/", TARGET_FITS },
	{ "https://worse.test/", TARGET_BLOCKED },
	{ "https://example/", TARGET_FITS },
};

START_TEST(target_is_checked)
{
	struct arena *a = arena_new();
	const struct target_rules rules = {
		.own_url = "https://other.example:8443",
		.own_host = "own.example",
		.blocked_hosts = " bad.example,,Worse.test , ",
	};

	ck_assert_msg(
	    target_check(a, targets[_i].target, &rules) == targets[_i].problem,
	    "%s: %d", targets[_i].target,
	    target_check(a, targets[_i].target, &rules));
	arena_free(a);
}
END_TEST

/* -- referrers -- */

static const struct {
	const char *header;
	const char *host;
} referrers[] = {
	{ NULL, CLICK_REFERRER_NONE },
	{ "", CLICK_REFERRER_NONE },
	{ "https://Example.com/path?query", "example.com" },
	{ "https://example.com", "example.com" },
	{ "http://example.com:8080/", "example.com" },
	{ "https://example.com#x", "example.com" },
	{ "android-app://com.example.app/", "com.example.app" },
	{ "about:blank", CLICK_REFERRER_OTHER },
	{ "https://", CLICK_REFERRER_OTHER },
	{ "https:///x", CLICK_REFERRER_OTHER },
	{ "https://user@example.com/", CLICK_REFERRER_OTHER },
	{ "https://a\"b/", CLICK_REFERRER_OTHER },
	{ "https://a\\b/", CLICK_REFERRER_OTHER },
	{ "https://\xc3\xa4/", CLICK_REFERRER_OTHER },
	{ "https://"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  ".com/",
	    CLICK_REFERRER_OTHER },
};

START_TEST(referrer_is_a_host)
{
	char out[CLICK_REFERRER_SIZE];

	click_referrer(referrers[_i].header, out);
	ck_assert_str_eq(out, referrers[_i].host);
}
END_TEST

/* -- counting in memory -- */

static struct click
click_of(int link, int referrer, const char *agent)
{
	struct click c = { .agent = agent, .day = 20000, .clicks = 1 };

	snprintf(c.link_id, sizeof(c.link_id), "link %d", link);
	snprintf(c.referrer, sizeof(c.referrer), "host%d", referrer);
	return c;
}

START_TEST(clicks_of_a_kind_are_added)
{
	static struct click out[CLICK_TABLE_MAX];
	struct click_table *t = click_table_new();
	struct click c = click_of(1, 1, user_agent_family("curl/8"));
	struct click next_day = c;

	next_day.day++;
	for (int i = 0; i < 5; i++)
		click_table_add(t, &c);
	click_table_add(t, &next_day);
	c.clicks = 7;
	click_table_add(t, &c);
	ck_assert_uint_eq(click_table_take(t, out), 2);
	ck_assert_int_eq(out[0].clicks + out[1].clicks, 13);
	ck_assert_int_eq(
	    out[0].day == 20000 ? out[0].clicks : out[1].clicks, 12);
	ck_assert_uint_eq(click_table_take(t, out), 0);
	ck_assert_int_eq(click_table_take_lost(t), 0);
	click_table_free(t);
}
END_TEST

/* Whatever referrers a client sends, clicks of other links find room. */
START_TEST(table_is_bounded)
{
	static struct click out[CLICK_TABLE_MAX];
	struct click_table *t = click_table_new();
	const char *agent = user_agent_family(NULL);
	struct click c;
	int64_t sum = 0, others = 0;
	size_t n;

	for (int i = 0; i < 5000; i++) {
		c = click_of(1, i, agent);
		click_table_add(t, &c);
	}
	for (int i = 0; i < 500; i++) {
		c = click_of(2 + i, 0, agent);
		click_table_add(t, &c);
	}
	n = click_table_take(t, out);
	ck_assert_uint_lt(n, CLICK_TABLE_MAX);
	for (size_t i = 0; i < n; i++) {
		sum += out[i].clicks;
		if (str_eq(out[i].referrer, CLICK_REFERRER_OTHER))
			others += out[i].clicks;
	}
	ck_assert_int_eq(sum, 5500);
	ck_assert_int_gt(others, 4000);
	ck_assert_int_eq(click_table_take_lost(t), 0);

	for (int i = 0; i < 4000; i++) {
		c = click_of(i, 0, agent);
		click_table_add(t, &c);
	}
	n = click_table_take(t, out);
	ck_assert_int_eq((int64_t)n + click_table_take_lost(t), 4000);
	ck_assert_int_eq(click_table_take_lost(t), 0);
	click_table_free(t);
}
END_TEST

/* -- cached links -- */

static const char id[] = "01890a5d-ac96-774b-bcce-b302099a8057";

START_TEST(cached_link_is_read_as_written)
{
	struct arena *a = arena_new();
	struct redirect link = { .link_id = id,
		.target = "https://example.com/a b",
		.enabled = (_i & 1) != 0,
		.has_password = (_i & 2) != 0,
		.expires_at_ms = (_i & 4) != 0 ? -62135596800000 : 0 };
	struct redirect read;

	ck_assert(redirect_read(a, redirect_write(a, &link), &read));
	ck_assert_str_eq(read.link_id, id);
	ck_assert_str_eq(read.target, link.target);
	ck_assert_int_eq(read.enabled, link.enabled);
	ck_assert_int_eq(read.has_password, link.has_password);
	ck_assert_int_eq(read.expires_at_ms, link.expires_at_ms);
	link.link_id = NULL;
	ck_assert(redirect_read(a, redirect_write(a, &link), &read));
	ck_assert_ptr_null(read.link_id);
	arena_free(a);
}
END_TEST

START_TEST(malformed_cached_link_is_refused)
{
	static const char *const texts[] = { "", "e", "en", "en ", "--",
		"xn 0 01890a5d-ac96-774b-bcce-b302099a8057 https://x.y",
		"ex 0 01890a5d-ac96-774b-bcce-b302099a8057 https://x.y",
		"en x 01890a5d-ac96-774b-bcce-b302099a8057 https://x.y",
		"en 0 01890a5d-ac96-774b-bcce-b302099a805 https://x.y",
		"en 0 01890a5d-ac96-774b-bcce-b302099a8057",
		"en 0 01890a5d-ac96-774b-bcce-b302099a8057 " };
	struct arena *a = arena_new();
	struct redirect read;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		ck_assert_msg(
		    !redirect_read(a, texts[i], &read), "%s", texts[i]);
	arena_free(a);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int
main(void)
{
	Suite *suite = suite_create("links");
	TCase *tc = tcase_create("links");

	tcase_add_loop_test(tc, slug_is_checked, 0, COUNT(slugs));
	tcase_add_test(tc, slug_has_a_length);
	tcase_add_test(tc, generated_slugs_differ);
	tcase_add_loop_test(tc, target_is_checked, 0, COUNT(targets));
	tcase_add_loop_test(tc, referrer_is_a_host, 0, COUNT(referrers));
	tcase_add_test(tc, clicks_of_a_kind_are_added);
	tcase_add_test(tc, table_is_bounded);
	tcase_add_loop_test(tc, cached_link_is_read_as_written, 0, 8);
	tcase_add_test(tc, malformed_cached_link_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
